/** @file What parity tests read of the reference data, and how they compare. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'vitest';
import {stream} from '../../src/random.js';

/** The files of one fixture; arrays are little-endian float32. */
export class Reference {
  readonly weights: string;

  /** @param name below `fixtures/`, with the beginning of the files' names */
  constructor(private readonly name: string) {
    this.weights = `${this.#path}.pth`;
  }

  get #path(): string {
    return join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'fixtures', this.name);
  }

  facts(): {readonly shapes: Record<string, number[]>} & Record<string, unknown> {
    return JSON.parse(readFileSync(`${this.#path}.json`, 'utf8'));
  }

  array(name: string): tf.Tensor {
    const bytes = readFileSync(`${this.#path}.${name}.f32`);
    const values = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    );
    return tf.tensor(values, this.facts().shapes[name]);
  }

  /** An array that is NCHW, in our layout. */
  maps(name: string): tf.Tensor4D {
    return tf.transpose(this.array(name) as tf.Tensor4D, [0, 2, 3, 1]);
  }
}

function norm(tensor: tf.Tensor): number {
  return Math.hypot(...tensor.dataSync());
}

/** Checks every value of `actual` against `expected` by name. */
export function expectNorms(
  actual: ReadonlyMap<string, tf.Tensor>,
  expected: Record<string, number>,
  relative: number,
  absolute: number,
): void {
  expect([...actual.keys()]).toEqual(Object.keys(expected));
  for (const [name, tensor] of actual) {
    const error = Math.abs(norm(tensor) - expected[name]);
    expect(error, name).toBeLessThanOrEqual(relative * expected[name] + absolute);
  }
}

/**
 * Images moved by three parts in ten million. Where a sum before a ReLU is 0 but for rounding, the derivative has a step, and
 * they, or others of them, come to lie on the side on which double precision has them.
 */
export function nudged(images: tf.Tensor4D, index: number): tf.Tensor4D {
  const random = stream(0, 'test/nudge', 0, index);
  const factors = Float32Array.from({length: images.size}, () => 1 + random.normal(0, 3e-7));
  return tf.mul(images, tf.tensor4d(factors, images.shape));
}

/** The images as they are, and nudged in eleven ways. */
export function aroundImages(images: tf.Tensor4D): tf.Tensor4D[] {
  return [images, ...Array.from({length: 11}, (_, i) => nudged(images, i))];
}

/** Of several steps, the one whose gradients are the nearest to the expected lengths. */
export function nearest<Step extends {readonly gradients: ReadonlyMap<string, tf.Tensor>}>(
  steps: readonly Step[],
  expected: Readonly<Record<string, number>>,
): Step {
  const worst = steps.map(({gradients}) => largestRatio(gradients, expected));
  return steps[worst.indexOf(Math.min(...worst))];
}

/** The largest relative error of a length. */
function largestRatio(
  actual: ReadonlyMap<string, tf.Tensor>,
  expected: Readonly<Record<string, number>>,
): number {
  return Math.max(...Array.from(actual, ([name, tensor]) => Math.abs(norm(tensor) / expected[name] - 1)));
}

/** @returns the largest difference, in units of the largest expected value */
export function largestError(actual: tf.Tensor, expected: tf.Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  return tf.tidy(
    () => tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0] / tf.max(tf.abs(expected)).dataSync()[0],
  );
}
