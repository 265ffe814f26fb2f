/** @file Batch normalisation: output, gradients and running statistics on both backends and by finite differences. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {batchNormInference, batchNormTraining} from '../../../src/engine/ops/batchNorm.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

const OPTIONS = {momentum: 0.1, epsilon: 1e-5};
const CHANNELS = 3;

function statistics(): [tf.Variable, tf.Variable] {
  return [tf.variable(tf.zeros([CHANNELS]), false), tf.variable(tf.ones([CHANNELS]), false)];
}

function parameters(): [tf.Tensor1D, tf.Tensor1D] {
  return [drawn('scale', [CHANNELS]), drawn('offset', [CHANNELS])];
}

describe('batchNormTraining', () => {
  it.each([
    [2, 4, 6],
    [3, 5, 7],
    [1, 1, 5],
  ])('over %i × %i × %i values has the same output and gradients on both backends', async (...sizes) => {
    await expectSameOnBothBackends(() => {
      const [mean, variance] = statistics();
      const f = (...[x, scale, offset]: tf.Tensor[]) =>
        batchNormTraining(
          x as tf.Tensor4D,
          scale as tf.Tensor1D,
          offset as tf.Tensor1D,
          mean,
          variance,
          OPTIONS,
        );
      const results = withGradients(f, [drawn('x', [...sizes, CHANNELS]), ...parameters()]);
      tf.dispose([mean, variance]);
      return results;
    }, 2e-4);
  });

  it('moves the running statistics alike on both backends', async () => {
    await expectSameOnBothBackends(() => {
      const [mean, variance] = statistics();
      for (const name of ['first', 'second']) {
        batchNormTraining(drawn(name, [2, 3, 5, CHANNELS]), ...parameters(), mean, variance, OPTIONS);
      }
      const results = [mean, variance].map((variable) => tf.add(variable, 0));
      tf.dispose([mean, variance]);
      return results;
    });
  });

  it('has the gradient of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    const f = (x: tf.Tensor) =>
      batchNormTraining(x as tf.Tensor4D, ...parameters(), ...statistics(), OPTIONS);
    expectFiniteDifferences(f, drawn('x', [2, 3, 3, CHANNELS]), 1e-2, 2e-3);
  });

  it('refuses parameters of another number of channels, with the shapes', async () => {
    await selectBackend({backend: 'torch'});
    const operation = () =>
      batchNormTraining(drawn('x', [1, 2, 2, 4]), ...parameters(), ...statistics(), OPTIONS);
    expect(operation).toThrow('batchNorm: input [1,2,2,4] does not fit statistics of shape [3]');
  });
});

describe('batchNormInference', () => {
  it('has the same output and gradients on both backends', async () => {
    await expectSameOnBothBackends(() => {
      const mean = drawn<tf.Rank.R1>('mean', [CHANNELS]);
      const variance = tf.abs(drawn<tf.Rank.R1>('variance', [CHANNELS]));
      const f = (...[x, scale, offset]: tf.Tensor[]) =>
        batchNormInference(
          x as tf.Tensor4D,
          scale as tf.Tensor1D,
          offset as tf.Tensor1D,
          mean,
          variance,
          OPTIONS.epsilon,
        );
      return withGradients(f, [drawn('x', [2, 3, 4, CHANNELS]), ...parameters()]);
    });
  });
});
