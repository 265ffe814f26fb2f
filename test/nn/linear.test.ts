/** @file The linear layer: its sum, its published layout, its initial values. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {initializeLayers, simccDeviation} from '../../src/nn/init.js';
import {Linear} from '../../src/nn/linear.js';
import {loadStateDict} from '../../src/nn/stateDict.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

it('multiplies the last axis by weights that are published as [outputs, inputs], and adds the bias', () => {
  const layer = new Linear(2, 3);
  const float = (shape: number[], ...values: number[]) =>
    ({dtype: 'F32', shape, data: Float32Array.from(values)}) as const;
  const weights = new Map([
    ['weight', float([3, 2], 1, 2, 3, 4, 5, 6)],
    ['bias', float([3], 10, 20, 30)],
  ]);
  loadStateDict(layer, weights, 'x.pth');
  const y = layer.forward(tf.tensor3d([1, 1, 2, -1], [1, 2, 2]));
  expect(y.shape).toEqual([1, 2, 3]);
  expect([...y.dataSync()]).toEqual([13, 27, 41, 10, 22, 34]);
});

it('counts every row times every weight, and no bias', () => {
  expect(new Linear(48, 256).macs([2, 17, 256])).toBe(2 * 17 * 48 * 256);
});

it('starts with the deviation of MMPose’s heads, biases 0', () => {
  const layer = new Linear(200, 200);
  initializeLayers(layer, 1, simccDeviation);
  const {mean, variance} = tf.moments(layer.weight.variable);
  // 40,000 draws: standard errors of 5e-5 and 3.5e-5.
  expect(Math.abs(mean.dataSync()[0])).toBeLessThan(2.5e-4);
  expect(Math.abs(Math.sqrt(variance.dataSync()[0]) - 0.01)).toBeLessThan(2e-4);
  expect(new Set(layer.bias!.variable.dataSync())).toEqual(new Set([0]));
});
