/** @file Activations: both backends agree in output and gradient, finite differences too, and known values. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {gelu, hardSigmoid, hardSwish, silu} from '../../../src/engine/ops/activations.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

type Case = [name: string, f: (x: tf.Tensor) => tf.Tensor, expected: (x: number) => number];

const hardGate = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;
const tanhGate = (x: number) => 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Φ by Simpson's rule over the density. */
function normalDistribution(x: number): number {
  const [steps, from] = [2000, -12];
  const width = (x - from) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : 2 + 2 * (i % 2);
    sum += weight * Math.exp(-((from + i * width) ** 2) / 2);
  }
  return (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}

const CASES: Case[] = [
  ['silu', silu, (x) => x / (1 + Math.exp(-x))],
  ['gelu', gelu, (x) => x * normalDistribution(x)],
  ['gelu by tanh', (x) => gelu(x, 'tanh'), (x) => x * tanhGate(x)],
  ['hardSigmoid', hardSigmoid, hardGate],
  ['hardSwish', hardSwish, (x) => x * hardGate(x)],
];

describe.each(CASES)('%s', (_, f, expected) => {
  it.each([[[7]], [[3, 5]], [[2, 3, 5, 4]]])('of shape %j is the same on both backends', async (shape) => {
    await expectSameOnBothBackends(() => withGradients(f, [tf.mul(drawn('x', shape), 3)]));
  });

  it('has the gradient of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    expectFiniteDifferences(f, drawn('x', [3, 20]), 1e-2, 2e-3);
  });

  it.each<BackendName>(['torch', 'cpu'])('gives the values of its formula on %s', async (backend) => {
    await selectBackend({backend});
    const inputs = [-10, -3, -2.5, -0.7, 0, 0.4, 1, 2.9, 3, 10];
    f(tf.tensor1d(inputs))
      .dataSync<'float32'>()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected(inputs[i]), 5);
      });
  });
});
