/** @file Runs the same computation on two backends and compares what comes out. */
import * as tf from '@tensorflow/tfjs';
import {expect} from 'vitest';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {stream} from '../../src/random.js';

export interface Result {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Gaussian values that depend on the name alone. */
export function drawn<R extends tf.Rank>(name: string, shape: tf.ShapeMap[R]): tf.Tensor<R> {
  const random = stream(0, `test/${name}`);
  const count = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({length: count}, () => random.normal()),
    shape,
  );
}

/** The results of `compute` on a backend; its tensors are made there and freed. */
export async function resultsOn(backend: BackendName, compute: () => tf.Tensor[]): Promise<Result[]> {
  await selectBackend({backend});
  const tensors = tf.tidy(compute);
  const results = tensors.map((tensor) => ({
    shape: tensor.shape,
    values: tensor.dataSync<'float32'>().slice(),
  }));
  tf.dispose(tensors);
  return results;
}

/** The distance of two tensors in units of the size of the second. */
export function distance(actual: tf.Tensor, expected: tf.Tensor): number {
  const norm = (x: tf.Tensor) => tf.norm(x).dataSync()[0];
  return norm(tf.sub(actual, expected)) / norm(expected);
}

/** Every value within `tolerance` of the largest expected one. */
export function expectClose(actual: Result, expected: Result, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  const largest = expected.values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const worst = actual.values.reduce(
    (max, value, i) => Math.max(max, Math.abs(value - expected.values[i])),
    0,
  );
  expect(worst).toBeLessThanOrEqual(tolerance * Math.max(largest, 1e-6));
}

/** The torch backend's kernels against the portable composition, which the `cpu` backend carries out. */
export async function expectSameOnBothBackends(compute: () => tf.Tensor[], tolerance = 2e-5): Promise<void> {
  const expected = await resultsOn('cpu', compute);
  const actual = await resultsOn('torch', compute);
  expect(actual.length).toBe(expected.length);
  actual.forEach((result, i) => {
    expectClose(result, expected[i], tolerance);
  });
}

/** y and the gradients of Σ dy·y with Gaussian dy, in the order of the inputs. */
export function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const y = f(...inputs);
  return [y, ...tf.grads(f)(inputs, drawn('dy', y.shape))];
}

/**
 * Checks the gradient of Σ dy·y for one input by central differences at a few of its elements.
 * @param tolerance of the largest gradient
 */
export function expectFiniteDifferences(
  f: (x: tf.Tensor) => tf.Tensor,
  x: tf.Tensor,
  step: number,
  tolerance: number,
): void {
  const dy = drawn('dy', f(x).shape);
  const gradient = tf.grad(f)(x, dy).dataSync<'float32'>();
  const largest = gradient.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const values = x.dataSync<'float32'>();
  const lossAt = (index: number, change: number): number => {
    const moved = Float32Array.from(values);
    moved[index] += change;
    const y = f(tf.tensor(moved, x.shape)).dataSync<'float32'>();
    // Summed in doubles: the difference of two large sums is wanted.
    return dy.dataSync<'float32'>().reduce((sum, weight, i) => sum + weight * y[i], 0);
  };
  const count = 12;
  for (let i = 0; i < count; i++) {
    const index = Math.floor((i * values.length) / count);
    const slope = (lossAt(index, step) - lossAt(index, -step)) / (2 * step);
    expect(Math.abs(slope - gradient[index]), `element ${index}`).toBeLessThan(tolerance * largest);
  }
}
