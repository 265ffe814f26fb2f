/** @file Holds libtorch's kernels to TensorFlow.js's own: element type, shape and every value, NaN and infinities too. */
import * as tf from '@tensorflow/tfjs';
import {expect} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {native} from '../../../src/engine/torch/native.js';

interface Outcome {
  readonly dtype: tf.DataType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

async function outcomes(backend: 'cpu' | 'torch', compute: () => tf.Tensor[]): Promise<Outcome[]> {
  await selectBackend({backend});
  const tensors = tf.tidy(compute);
  const results = tensors.map((tensor) => ({
    dtype: tensor.dtype,
    shape: tensor.shape,
    values: Array.from(tensor.dataSync()),
  }));
  tf.dispose(tensors);
  return results;
}

/** Equal up to `tolerance` of the largest finite value; what is not finite must be the same. */
function expectAlike(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  const largest = Math.max(1e-6, ...expected.filter(Number.isFinite).map(Math.abs));
  const isAlike = (value: number, i: number): boolean =>
    Object.is(value, expected[i]) || Math.abs(value - expected[i]) <= tolerance * largest;
  const wrong = actual.findIndex((value, i) => !isAlike(value, i));
  expect(wrong, `element ${wrong} is ${actual[wrong]}, and should be ${expected[wrong]}`).toBe(-1);
}

/** @throws AssertionError that says which result of `compute` differs from the `cpu` backend's, and how */
export async function expectAgreement(compute: () => tf.Tensor[], tolerance = 2e-5): Promise<void> {
  const expected = await outcomes('cpu', compute);
  const actual = await outcomes('torch', compute);
  const forms = (results: Outcome[]) => results.map(({dtype, shape}) => ({dtype, shape}));
  expect(forms(actual)).toEqual(forms(expected));
  actual.forEach(({values}, i) => {
    expectAlike(values, expected[i].values, tolerance);
  });
}

/** Checks that `compute` leaves no tensor in libtorch beyond its results, and hands nothing to the `cpu` backend. */
export async function expectOnlyLibtorch(compute: () => tf.Tensor[]): Promise<void> {
  await selectBackend({backend: 'torch'});
  const cpu = tf.engine().findBackend('cpu');
  const write = cpu.write;
  const before = native().memory();
  cpu.write = () => {
    throw new Error('a kernel was delegated to the cpu backend');
  };
  try {
    tf.dispose(tf.tidy(compute));
  } finally {
    cpu.write = write;
  }
  expect(native().memory()).toEqual(before);
}
