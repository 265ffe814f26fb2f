/** @file The random numbers of a distillation step: the same again from the same stream, and Gaussian. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {stream} from '../../../src/random.js';
import {tensorDraws} from '../../../src/tasks/distill/draws.js';

const SHAPE: [number, number, number, number] = [10, 20, 25, 21]; // 105,000

function drawn(index: number): Float32Array[] {
  const draws = tensorDraws(stream(3, 'distill', 0, index));
  const tensors = [draws.normal([2, 3, 4, 5]), draws.normal([2, 3, 4, 5])];
  return [Float32Array.from(draws.uniform(4)), ...tensors.map((tensor) => tensor.dataSync<'float32'>())];
}

describe.each<BackendName>(['torch', 'cpu'])('draws on %s', (backend) => {
  it('are the same bits for the same stream, others for the next step, and others each time', async () => {
    await selectBackend({backend});
    expect(drawn(7)).toEqual(drawn(7));
    const [uniform, first, second] = drawn(7);
    const [, other] = drawn(8);
    expect(first).not.toEqual(other);
    expect(first).not.toEqual(second);
    expect(uniform.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});

it('are Gaussian: moments, tails, and no relation of neighbours', async () => {
  await selectBackend({backend: 'torch'});
  const values = [...tensorDraws(stream(1, 'distill')).normal(SHAPE).dataSync()];
  const mean = (f: (value: number, i: number) => number) =>
    values.reduce((sum, value, i) => sum + f(value, i), 0) / values.length;
  // Standard errors with 105,000: 0.0031 of the mean, 0.0044 of the variance, 0.030 of the fourth moment.
  expect(Math.abs(mean((value) => value))).toBeLessThan(0.013);
  expect(Math.abs(mean((value) => value ** 2) - 1)).toBeLessThan(0.018);
  expect(Math.abs(mean((value) => value ** 4) - 3)).toBeLessThan(0.12);
  expect(Math.abs(mean((value, i) => value * (values[i + 1] ?? 0)))).toBeLessThan(0.013);
  // P(|z| > 2) = 0.0455, standard error 0.00064.
  expect(Math.abs(mean((value) => Number(Math.abs(value) > 2)) - 0.0455)).toBeLessThan(0.0026);
});

it('have the shape asked for, of an odd count too', async () => {
  await selectBackend({backend: 'torch'});
  const values = tensorDraws(stream(1, 'distill')).normal([1, 1, 1, 3]);
  expect(values.shape).toEqual([1, 1, 1, 3]);
  expect(tf.min(tf.abs(values)).dataSync()[0]).toBeGreaterThan(0);
});
