/** @file Softmax and its logarithm: output and gradients on both backends and by finite differences. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {logSoftmax, softmax} from '../../../src/engine/ops/softmax.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

describe.each([
  ['softmax', softmax],
  ['logSoftmax', logSoftmax],
])('%s', (_, f) => {
  it.each([[[7]], [[3, 5]], [[2, 3, 5, 4]]])('of shape %j is the same on both backends', async (shape) => {
    await expectSameOnBothBackends(() => withGradients(f, [drawn('x', shape)]));
  });

  it('has the gradient of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    expectFiniteDifferences(f, drawn('x', [4, 6]), 1e-2, 2e-3);
  });
});

describe.each<BackendName>(['torch', 'cpu'])('on %s', (backend) => {
  it('softmax gives shares, however large the values', async () => {
    await selectBackend({backend});
    const x = tf.tensor2d([
      [1000, 1000 + Math.log(3)],
      [0, 0],
    ]);
    softmax(x)
      .dataSync<'float32'>()
      .forEach((value, i) => {
        expect(value).toBeCloseTo([0.25, 0.75, 0.5, 0.5][i], 4);
      });
  });

  it('logSoftmax is the logarithm of softmax', async () => {
    await selectBackend({backend});
    const x = drawn('x', [3, 5]);
    const expected = tf.log(softmax(x)).dataSync<'float32'>();
    logSoftmax(x)
      .dataSync<'float32'>()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 5);
      });
  });
});
