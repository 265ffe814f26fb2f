/** @file Picking, rearranging and adding up by numbers in libtorch against TensorFlow.js's own. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {drawn, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

/** Whole numbers below `limit`, many of them equal. */
function numbers(name: string, shape: number[], limit: number): tf.Tensor {
  return tf.mod(tf.cast(tf.abs(tf.mul(drawn(name, shape), 100)), 'int32'), tf.scalar(limit, 'int32'));
}

type Case = [name: string, compute: () => tf.Tensor[]];

const image = () => drawn<tf.Rank.R4>('image', [2, 4, 6, 8]);

const CASES: Case[] = [
  [
    'topk, the first of equal values first',
    () =>
      [drawn('x', [3, 17]), numbers('x', [2, 3, 40], 5)].flatMap((x) =>
        [1, 4, 17].flatMap((k) => Object.values(tf.topk(x, k))),
      ),
  ],
  [
    'oneHot, with classes that are not there',
    () => {
      const classes = tf.sub(numbers('classes', [4, 3], 7), tf.scalar(1, 'int32'));
      return [
        tf.oneHot(classes, 5),
        tf.oneHot(classes, 5, 0.9, 0.1, 'float32'),
        tf.oneHot(classes, 2, 3, -2),
      ];
    },
  ],
  [
    'gatherND',
    () =>
      [1, 2, 3].flatMap((rank) => {
        const indices = numbers('indices', [5, 2, rank], 3);
        return [
          tf.gatherND(drawn('x', [3, 3, 3]), indices),
          tf.gatherND(numbers('x', [3, 4, 5], 9), indices),
        ];
      }),
  ],
  [
    'scatterND, with numbers that come twice',
    () =>
      [1, 2].flatMap((rank) => {
        const indices = numbers('indices', [7, rank], 3);
        const rest = [4, 5, 6].slice(rank);
        return [drawn('updates', [7, ...rest]), numbers('updates', [7, ...rest], 9)].map((updates) =>
          tf.scatterND(indices, updates, [4, 5, 6]),
        );
      }),
  ],
  [
    'unsortedSegmentSum, with rows of no segment',
    () => {
      const ids = tf.sub(numbers('ids', [9], 6), tf.scalar(1, 'int32')) as tf.Tensor1D;
      const f = (x: tf.Tensor) => tf.unsortedSegmentSum(x, ids, 4);
      return [f(drawn('x', [9])), f(drawn('x', [9, 2, 3]))];
    },
  ],
  [
    'the gradient of gather',
    () => {
      const rows = numbers('rows', [8], 5) as tf.Tensor1D;
      return withGradients((x) => tf.gather(x, rows, 1), [drawn('x', [3, 5, 2])]);
    },
  ],
  [
    'spaceToBatchND and back, with gradients',
    () => [
      ...withGradients(
        (x) =>
          tf.spaceToBatchND(
            x,
            [2, 3],
            [
              [1, 1],
              [0, 3],
            ],
          ),
        [image()],
      ),
      ...withGradients(
        (x) =>
          tf.batchToSpaceND(
            x,
            [1, 2],
            [
              [0, 1],
              [2, 1],
            ],
          ),
        [image()],
      ),
    ],
  ],
  ['depthToSpace', () => [tf.depthToSpace(image(), 2, 'NHWC')]],
  [
    'mirrorPad',
    () =>
      (['reflect', 'symmetric'] as const).flatMap((mode) => {
        const paddings: [number, number][] = [
          [0, 1],
          [2, 3],
          [0, 0],
          [4, 1],
        ];
        return [tf.mirrorPad(image(), paddings, mode), tf.mirrorPad(numbers('x', [3], 9), [[2, 1]], mode)];
      }),
  ],
  ['flipLeftRight', () => [tf.image.flipLeftRight(image())]],
  [
    'split, with gradients',
    () => [
      ...tf.split(image(), 2, -1),
      ...tf.split(image(), [1, 3, 2], 2),
      ...withGradients((x) => tf.split(x, [1, 3, 2], 2)[1], [image()]),
    ],
  ],
  [
    'stridedSlice',
    () => [
      tf.stridedSlice(image(), [0, 0, 5, 1], [2, 4, 0, 8], [1, 2, -2, 3]),
      tf.stridedSlice(image(), [1, -3], [2, -1], [1, 1]),
      tf.stridedSlice(image(), [0, 1], [1, 2], [1, 1], 1, 1, 0, 0, 2),
      tf.stridedSlice(image(), [0, 0, 3], [0, 3, 5], [1, 2, 1], 4, 0, 2, 1),
      tf.stridedSlice(image(), [3], [1], [1]),
    ],
  ],
  [
    'einsum',
    () => [
      tf.einsum('ij,jk->ik', drawn('a', [3, 4]), drawn('b', [4, 5])),
      tf.einsum('bij,bjk->bki', drawn('a', [2, 3, 4]), drawn('b', [2, 4, 5])),
      tf.einsum('ij->ji', drawn('a', [3, 4])),
      tf.einsum('ij->', drawn('a', [3, 4])),
      tf.einsum('i,j->ij', drawn('a', [3]), drawn('b', [4])),
    ],
  ],
];

it.each(CASES)('%s', async (_, compute) => {
  await expectAgreement(compute);
  await expectOnlyLibtorch(compute);
});

describe('an index out of range', () => {
  beforeAll(async () => {
    await selectBackend({backend: 'torch'});
  });

  it.each([[-1], [4]])('is named (%d)', (wrong) => {
    const indices = tf.tensor2d([0, wrong], [2, 1], 'int32');
    const words = `${wrong} does not index into 4`;
    expect(() => tf.gatherND(tf.ones([4]), indices)).toThrow(words);
    expect(() => tf.scatterND(indices, tf.ones([2]), [4])).toThrow(words);
  });
});
