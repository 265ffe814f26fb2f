/** @file What parity tests read of the reference data, and how they compare. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'vitest';

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

/** @returns the largest difference, in units of the largest expected value */
export function largestError(actual: tf.Tensor, expected: tf.Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  return tf.tidy(
    () => tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0] / tf.max(tf.abs(expected)).dataSync()[0],
  );
}
