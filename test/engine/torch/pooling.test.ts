/** @file Pooling in libtorch against TensorFlow.js's own, over windows, strides, paddings and roundings. */
import * as tf from '@tensorflow/tfjs';
import {describe, it} from 'vitest';
import {drawn, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

type Pair = [number, number];
type Padding = 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;

const explicit = (rows: Pair, columns: Pair): Padding => [[0, 0], rows, columns, [0, 0]];

const SIZES: Pair[] = [
  [7, 6],
  [5, 9],
  [8, 8],
];
const WINDOWS: {window: Pair; stride: Pair}[] = [
  {window: [1, 1], stride: [1, 1]},
  {window: [1, 1], stride: [2, 3]},
  {window: [2, 2], stride: [1, 1]},
  {window: [2, 2], stride: [2, 2]},
  {window: [3, 3], stride: [2, 2]},
  {window: [3, 2], stride: [1, 3]},
  {window: [5, 5], stride: [1, 1]},
];

describe.each([
  ['maxPool', tf.maxPool],
  ['avgPool', tf.avgPool],
] as const)('%s', (_, pool) => {
  it.each<[string, Padding]>([
    ['valid', 'valid'],
    ['same', 'same'],
    ['one cell around', explicit([1, 1], [1, 1])],
    ['uneven', explicit([0, 1], [2, 0])],
  ])('agrees with the cpu backend, with its gradient: padding %s', async (_name, padding) => {
    const compute = () =>
      SIZES.flatMap((size) =>
        WINDOWS.flatMap(({window, stride}) => {
          const f = (x: tf.Tensor) => pool(x as tf.Tensor4D, window, stride, padding);
          return withGradients(f, [drawn('x', [2, ...size, 3])]);
        }),
      );
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });

  it.each(['floor', 'round', 'ceil'] as const)('rounds its size (%s)', async (rounding) => {
    await expectAgreement(() =>
      SIZES.flatMap((size) =>
        [0, 1, 2].flatMap((padding) =>
          [2, 3, 4].map((stride) =>
            pool(drawn<tf.Rank.R4>('x', [1, ...size, 2]), 3, stride, padding, rounding),
          ),
        ),
      ),
    );
  });

  it('agrees over NaN and infinities', async () => {
    const {NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high, NaN: none} = Number;
    await expectAgreement(() => {
      const x = tf.tensor4d([low, low, 1, none, none, 2, 3, high, 5], [1, 3, 3, 1]);
      return [
        pool(x, 2, 1, 'valid'),
        pool(x, 2, 2, 'same'),
        pool(x, 1, 2, 'valid'),
        pool(x, 1, 1, 'same'),
        pool(x, 1, 2, explicit([2, 1], [2, 1])),
      ];
    });
  });
});

describe('the gradient of maxPool', () => {
  it('goes to the first of several equal values', async () => {
    await expectAgreement(() => {
      const x = tf.round(drawn('x', [2, 9, 8, 4]));
      return withGradients((image) => tf.maxPool(image as tf.Tensor4D, 3, 2, 'same'), [x]);
    });
  });
});
