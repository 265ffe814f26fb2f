/** @file DiffKD's chain: its shares of the signal, single steps of DDIM, and the times that it visits. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {ddimFactors} from '../../../src/tasks/distill/agentpose/samplers.js';
import {DdimProcess, SIGNAL_SHARES} from '../../../src/tasks/distill/ddimProcess.js';
import type {TensorDraws} from '../../../src/tasks/distill/draws.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const numberOf = (tensor: tf.Tensor): number => tensor.dataSync()[0];
const SHAPE: [number, number, number, number] = [1, 1, 1, 1];

it.each([
  [0, 0.9999],
  [100, 0.895142],
  [200, 0.656347],
  [300, 0.394011],
  [400, 0.193572],
])('leaves after step %d the share %d of the signal', (step, share) => {
  expect(SIGNAL_SHARES[step]).toBeCloseTo(share, 6);
  expect(SIGNAL_SHARES[999]).toBeCloseTo(4.0e-5, 6);
});

it.each([
  [400, 300, 1.175329],
  [0, -100, 0.99505],
])('of DDIM from %d to %d takes x = 1 with 0.5 as its noise to %d', (from, to, expected) => {
  const marginalOf = (step: number) => {
    const share = step < 0 ? 1 : SIGNAL_SHARES[step];
    return {mean: tf.scalar(Math.sqrt(share)), deviation: tf.scalar(Math.sqrt(1 - share))};
  };
  const {keep, remove} = ddimFactors(marginalOf(from), marginalOf(to));
  expect(numberOf(keep) + 0.5 * numberOf(remove)).toBeCloseTo(expected, 5);
  // x̂₀ at step 400.
  expect(
    numberOf(ddimFactors(marginalOf(400), marginalOf(-1)).keep) *
      (1 - 0.5 * Math.sqrt(1 - SIGNAL_SHARES[400])),
  ).toBeCloseTo(1.252348, 5);
});

it('visits 400, 300, 200, 100 and 0, from a linear mixture of features and noise', () => {
  const times: number[] = [];
  const starts: number[] = [];
  const draws: TensorDraws = {normal: () => tf.fill(SHAPE, 8), uniform: () => []};
  const predict = (x: tf.Tensor4D, at: tf.Tensor1D) => {
    times.push(numberOf(at));
    starts.push(numberOf(x));
    return tf.zerosLike(x);
  };
  const states = new DdimProcess(5).denoise(tf.fill(SHAPE, 4), tf.fill(SHAPE, 0.25), predict, draws);
  expect(times).toEqual([400, 300, 200, 100, 0]);
  expect(starts[0]).toBeCloseTo(0.25 * 4 + 0.75 * 8, 5);
  // Without noise found in it, x grows by what the signal lost.
  expect(numberOf(states[4].latent)).toBeCloseTo(7 / Math.sqrt(SIGNAL_SHARES[400]), 3);
  expect(numberOf(states[0].mean)).toBeCloseTo(Math.sqrt(0.394011), 5);
});

it('perturbs each sample by its own time', () => {
  const draws: TensorDraws = {
    normal: (shape) => tf.ones(shape),
    uniform: () => [0, 0.4, 0.9999],
  };
  const {noisy, times} = new DdimProcess(5).perturb(tf.fill([3, 1, 1, 1], 2), draws);
  expect([...times.dataSync()]).toEqual([0, 400, 999]);
  const expected = [0.9999, 0.193572, 4.0358e-5].map((share) => 2 * Math.sqrt(share) + Math.sqrt(1 - share));
  [...noisy.dataSync()].forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 4);
  });
});
