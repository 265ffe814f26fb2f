/** @file The rectified linear unit and its gradient, the corner at zero included. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {relu} from '../../../src/engine/ops/relu.js';
import {drawn, expectSameOnBothBackends, withGradients} from '../compare.js';

describe('relu', () => {
  it.each([[[7]], [[3, 5]], [[2, 3, 5, 4]]])('of shape %j is the same on both backends', async (shape) => {
    await expectSameOnBothBackends(() => withGradients(relu, [drawn('x', shape)]));
  });

  it.each<BackendName>(['torch', 'cpu'])('passes no gradient at zero and below on %s', async (backend) => {
    await selectBackend({backend});
    const x = tf.tensor1d([-1, 0, 2]);
    expect([...relu(x).dataSync()]).toEqual([0, 0, 2]);
    expect([
      ...tf
        .grad(relu)(x, tf.tensor1d([5, 6, 7]))
        .dataSync(),
    ]).toEqual([0, 0, 7]);
  });
});
