/** @file TensorFlow.js's own convolution in libtorch: paddings and roundings that libtorch counts otherwise. */
import * as tf from '@tensorflow/tfjs';
import {describe, it} from 'vitest';
import {drawn, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

describe('conv2d', () => {
  it.each(['floor', 'round', 'ceil'] as const)(
    'with sizes rounded by %s agrees with the cpu backend',
    async (mode) => {
      const f = (x: tf.Tensor, filter: tf.Tensor) =>
        tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 0, 'NHWC', 1, mode);
      const results = () => [f(drawn('x', [2, 8, 9, 3]), drawn('filter', [3, 3, 3, 4]))];
      await expectAgreement(results);
      await expectOnlyLibtorch(results);
    },
  );

  it.each([1, 2, 3])(
    'padded to the same size by strides of %i agrees, with its gradients',
    async (stride) => {
      const f = (x: tf.Tensor, filter: tf.Tensor) =>
        tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same');
      await expectAgreement(() =>
        withGradients(f, [drawn('x', [2, 8, 9, 3]), drawn('filter', [3, 4, 3, 4])]),
      );
    },
  );
});

describe('cast to integers', () => {
  it.each([0.5, -0.5, 2.9, -2.9, 3e9, -3e9, 1e15, Number.NaN, Number.POSITIVE_INFINITY, -Infinity])(
    'of %d is what it is on the cpu backend',
    async (value) => {
      await expectAgreement(() => [tf.cast(tf.fill([3], value), 'int32')]);
    },
  );
});
