/** @file Layer normalisation: output and gradients on both backends and by finite differences. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {layerNorm} from '../../../src/engine/ops/layerNorm.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

const apply = (...[x, scale, offset]: tf.Tensor[]) =>
  layerNorm(x, scale as tf.Tensor1D, offset as tf.Tensor1D);

function operands(shape: number[]): tf.Tensor[] {
  const channels = shape[shape.length - 1];
  return [drawn('x', shape), drawn('scale', [channels]), drawn('offset', [channels])];
}

describe('layerNorm', () => {
  it.each([[[6]], [[4, 6]], [[2, 5, 8]], [[2, 3, 4, 7]]])(
    'of shape %j has the same output and gradients on both backends',
    async (shape) => {
      await expectSameOnBothBackends(() => withGradients(apply, operands(shape)), 1e-4);
    },
  );

  it('has the gradients of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    const [x, scale, offset] = operands([3, 4, 6]);
    expectFiniteDifferences((moved) => apply(moved, scale, offset), x, 1e-2, 2e-3);
    expectFiniteDifferences((moved) => apply(x, moved, offset), scale, 0.5, 1e-4);
    expectFiniteDifferences((moved) => apply(x, scale, moved), offset, 0.5, 1e-4);
  });

  it.each<BackendName>(['torch', 'cpu'])(
    'gives deviations in units of the biased one on %s',
    async (backend) => {
      await selectBackend({backend});
      // Mean 2, biased variance 2.
      const y = layerNorm(tf.tensor2d([[0, 2, 2, 4]]), tf.ones([4]), tf.zeros([4]), 0);
      y.dataSync<'float32'>().forEach((value, i) => {
        expect(value).toBeCloseTo([-Math.SQRT2, 0, 0, Math.SQRT2][i], 6);
      });
    },
  );

  it('frees the statistics that no gradient needs', async () => {
    await selectBackend({backend: 'torch'});
    const inputs = operands([4, 6]);
    const before = tf.memory().numTensors;
    apply(...inputs).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses parameters of another size, with the shapes', async () => {
    await selectBackend({backend: 'torch'});
    const operation = () => apply(drawn('x', [2, 4]), drawn('scale', [3]), drawn('offset', [4]));
    expect(operation).toThrow('layerNorm: input [2,4] does not fit scale [3], offset [4]');
  });
});
