/** @file Scaled dot-product attention: output and gradients on both backends and by finite differences. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {scaledDotProductAttention} from '../../../src/engine/ops/attention.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

const apply = (...[q, k, v]: tf.Tensor[]) =>
  scaledDotProductAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D);

function operands(queries: number, keys: number): tf.Tensor[] {
  const [batch, heads, depth] = [2, 3, 4];
  const shapes = [
    [batch, heads, queries, depth],
    [batch, heads, keys, depth],
    [batch, heads, keys, depth + 1],
  ];
  return ['q', 'k', 'v'].map((name, i) => drawn(name, shapes[i]));
}

describe('scaledDotProductAttention', () => {
  it.each([
    [5, 5],
    [3, 7],
    [1, 1],
  ])('of %i queries to %i keys has the same output and gradients on both backends', async (...counts) => {
    await expectSameOnBothBackends(() => withGradients(apply, operands(...counts)), 1e-4);
  });

  it('has the gradients of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    const [q, k, v] = operands(4, 5);
    expectFiniteDifferences((moved) => apply(moved, k, v), q, 1e-2, 2e-3);
    expectFiniteDifferences((moved) => apply(q, moved, v), k, 1e-2, 2e-3);
    expectFiniteDifferences((moved) => apply(q, k, moved), v, 0.5, 1e-4);
  });

  it.each<BackendName>(['torch', 'cpu'])('weighs the values by their keys on %s', async (backend) => {
    await selectBackend({backend});
    const tensor = (values: number[], depth: number) =>
      tf.tensor4d(values, [1, 1, values.length / depth, depth]);
    // Scores 0 and log 3, with √D = 2.
    const [q, k] = [tensor([2, 0, 0, 0], 4), tensor([0, 1, 1, 1, Math.log(3), 0, 0, 0], 4)];
    expect(apply(q, k, tensor([10, 20], 1)).dataSync()[0]).toBeCloseTo(17.5, 4);
  });

  it('refuses operands that do not fit together, with their shapes', async () => {
    await selectBackend({backend: 'torch'});
    const [q, k] = operands(4, 5);
    expect(() => apply(q, k, drawn('v', [2, 3, 4, 4]))).toThrow(
      'scaledDotProductAttention: q [2,3,4,4], k [2,3,5,4] and v [2,3,4,4] do not fit together',
    );
  });
});
