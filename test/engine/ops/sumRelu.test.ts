/** @file The exchange of features: both backends agree in output and gradients, and with the steps one by one. */
import type * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {sumRelu} from '../../../src/engine/ops/sumRelu.js';
import {drawn, expectSameOnBothBackends, withGradients} from '../compare.js';

/** Terms of [2, 8 / f, 12 / f, channels]. */
function terms(factors: readonly number[], channels = 5): tf.Tensor4D[] {
  return factors.map((f, i) => drawn(`term ${i}`, [2, 8 / f, 12 / f, channels]));
}

const sum = (...inputs: tf.Tensor[]) => sumRelu(inputs as tf.Tensor4D[]);

describe('sumRelu', () => {
  it.each([[[1]], [[1, 1]], [[1, 2]], [[1, 2, 4]], [[1, 1, 4, 2]]])(
    'of terms at 1/%s of the size has the same output and gradients on both backends',
    async (factors) => {
      for (const channels of [5, 16, 40]) {
        await expectSameOnBothBackends(() => withGradients(sum, terms(factors, channels)));
      }
    },
  );

  it('refuses a term that is no whole part of the first', async () => {
    await selectBackend({backend: 'torch'});
    const [first] = terms([1]);
    expect(() => sumRelu([first, drawn('odd', [2, 3, 12, 5])])).toThrow(
      'sumRelu: term [2,3,12,5] does not fit [2,8,12,5]',
    );
  });
});
