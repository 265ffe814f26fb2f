/** @file Nearest-neighbour enlargement and its gradient, which sums over each block. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {upsampleNearest} from '../../../src/engine/ops/upsample.js';
import {drawn, expectSameOnBothBackends, withGradients} from '../compare.js';

describe('upsampleNearest', () => {
  it.each([2, 3, 4, 8])('by %i has the same output and gradient on both backends', async (factor) => {
    await expectSameOnBothBackends(() =>
      withGradients((x) => upsampleNearest(x as tf.Tensor4D, factor), [drawn('x', [2, 3, 4, 5])]),
    );
  });

  it.each<BackendName>(['torch', 'cpu'])('repeats cells and sums their gradients on %s', async (backend) => {
    await selectBackend({backend});
    const x = tf.tensor4d([1, 2], [1, 1, 2, 1]);
    expect([...upsampleNearest(x, 2).dataSync()]).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    const dy = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 4, 1]);
    const dx = tf.grad((tensor) => upsampleNearest(tensor as tf.Tensor4D, 2))(x, dy);
    expect([...dx.dataSync()]).toEqual([1 + 2 + 5 + 6, 3 + 4 + 7 + 8]);
  });
});
