/** @file Depthwise convolution in libtorch against TensorFlow.js's own. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {native} from '../../../src/engine/torch/native.js';
import {drawn, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

const CASES: [
  size: [number, number],
  filter: [number, number],
  multiplier: number,
  stride: [number, number],
][] = [
  [[8, 8], [3, 3], 1, [1, 1]],
  [[7, 9], [3, 3], 2, [2, 2]],
  [[6, 5], [2, 3], 1, [2, 1]],
  [[9, 6], [5, 2], 3, [3, 2]],
];

const PADDINGS = [
  'valid',
  'same',
  [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ],
  [
    [0, 0],
    [0, 2],
    [1, 0],
    [0, 0],
  ],
] as const;

const inputs = (size: number[], filter: number[], multiplier: number): tf.Tensor[] => [
  drawn('x', [2, ...size, 3]),
  drawn('filter', [...filter, 3, multiplier]),
];

describe('depthwiseConv2d', () => {
  it.each(PADDINGS)('agrees with the cpu backend, with both gradients (padding %j)', async (padding) => {
    const compute = () =>
      CASES.flatMap(([size, filter, multiplier, stride]) =>
        withGradients(
          (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, padding as 'same'),
          inputs(size, filter, multiplier),
        ),
      );
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });

  it('agrees with dilations', async () => {
    await expectAgreement(() =>
      CASES.flatMap(([size, filter, multiplier]) => {
        const [x, w] = inputs(size, filter, multiplier) as [tf.Tensor4D, tf.Tensor4D];
        return (['valid', 'same'] as const).map((padding) =>
          tf.depthwiseConv2d(x, w, 1, padding, 'NHWC', padding === 'same' ? [2, 3] : [2, 1]),
        );
      }),
    );
  });

  it.each(['floor', 'round', 'ceil'] as const)('rounds its size (%s)', async (rounding) => {
    await expectAgreement(() =>
      [0, 1].map((padding) => {
        const [x, w] = inputs([8, 7], [3, 3], 2) as [tf.Tensor4D, tf.Tensor4D];
        return tf.depthwiseConv2d(x, w, 2, padding, 'NHWC', 1, rounding);
      }),
    );
  });

  it('gives back the memory of a filter whose layout was replaced', async () => {
    await selectBackend({backend: 'torch'});
    const before = native().memory();
    const filter = tf.tidy(() => tf.variable(drawn<tf.Rank.R4>('filter', [3, 3, 3, 2])));
    const values = filter.dataSync();
    tf.tidy(() =>
      tf.depthwiseConv2d(drawn<tf.Rank.R4>('x', [1, 5, 5, 3]), filter as tf.Tensor4D, 1, 'same').dataSync(),
    );
    expect(filter.dataSync()).toEqual(values);
    filter.dispose();
    expect(native().memory()).toEqual(before);
  });
});

const ACTIVATIONS = [undefined, 'linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const;

describe.each(ACTIVATIONS)('fused with activation %s', (activation) => {
  const slopes = () => (activation === 'prelu' ? drawn('slopes', [4]) : undefined);
  const common = () => ({activation, leakyreluAlpha: 0.3, preluActivationWeights: slopes()});

  it('convolutions and products agree with the cpu backend', async () => {
    const compute = () => {
      const bias = drawn<tf.Rank.R1>('bias', [4]);
      const shared = {x: drawn<tf.Rank.R4>('x', [2, 7, 6, 2]), strides: 2, pad: 'same' as const};
      const filters = [
        drawn<tf.Rank.R4>('dense', [3, 3, 2, 4]),
        drawn<tf.Rank.R4>('depthwise', [3, 3, 2, 2]),
      ];
      const matrices = {
        a: drawn<tf.Rank.R2>('a', [5, 3]),
        b: drawn<tf.Rank.R2>('b', [4, 3]),
        transposeB: true,
      };
      return [undefined, bias].flatMap((given) => [
        tf.fused.conv2d({...shared, filter: filters[0], bias: given, ...common()}),
        tf.fused.depthwiseConv2d({...shared, filter: filters[1], bias: given, ...common()}),
        tf.fused.matMul({...matrices, bias: given, ...common()}),
      ]);
    };
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });
});
