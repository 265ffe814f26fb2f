/** @file The convolution operator: libtorch's kernels and the addon's, the portable composition and finite differences agree. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {type ConvolutionOptions, convolution} from '../../../src/engine/ops/convolution.js';
import {KERNELS, runKernel} from '../../../src/engine/ops/kernels.js';
import {withPrecision} from '../../../src/engine/precision.js';
import {
  distance,
  drawn,
  expectFiniteDifferences,
  expectSameOnBothBackends,
  withGradients,
} from '../compare.js';

interface Case extends ConvolutionOptions {
  readonly size: readonly [number, number];
  readonly kernel: number;
  readonly withBias: boolean;
}

const plain: Case = {
  size: [6, 5],
  kernel: 3,
  stride: 1,
  padding: 1,
  dilation: 1,
  groups: 1,
  withBias: false,
};

const CASES: [string, Partial<Case>][] = [
  ['of 3×3', {}],
  ['of 3×3 with bias', {withBias: true}],
  ['of 1×1', {kernel: 1, padding: 0}],
  ['of 1×1 by strides of 2', {kernel: 1, padding: 0, stride: 2}],
  ['of 3×3 by strides of 2 over even sizes', {size: [8, 6], stride: 2}],
  ['of 3×3 by strides of 2 over odd sizes', {size: [7, 9], stride: 2}],
  ['of 7×7 by strides of 2', {size: [9, 12], kernel: 7, padding: 3, stride: 2}],
  ['without padding', {padding: 0}],
  ['in two groups', {groups: 2, withBias: true}],
  ['in four groups (depthwise) by strides of 2', {groups: 4, stride: 2}],
];

const [INPUTS, OUTPUTS] = [4, 8];

function operands({size, kernel, groups, withBias}: Case): tf.Tensor[] {
  const x = drawn('x', [2, size[0], size[1], INPUTS]);
  const weight = drawn('weight', [kernel, kernel, INPUTS / groups, OUTPUTS]);
  return withBias ? [x, weight, drawn('bias', [OUTPUTS])] : [x, weight];
}

function apply(options: ConvolutionOptions, [x, weight, bias]: readonly tf.Tensor[]): tf.Tensor4D {
  return convolution(x as tf.Tensor4D, weight as tf.Tensor4D, (bias ?? null) as tf.Tensor1D | null, options);
}

interface Wide {
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
}

function operandsOf({batch, size, channels: [inputs, outputs]}: Wide): tf.Tensor[] {
  const x = drawn('x', [batch, ...size, inputs]);
  return [x, drawn('weight', [3, 3, inputs, outputs]), drawn('bias', [outputs])];
}

/** The convolution at one inner cell of the first image, summed up in double precision. */
function sumsAt(x: tf.Tensor4D, weight: tf.Tensor4D, row: number, column: number): number[] {
  const [cells, kernel] = [x.arraySync()[0], weight.arraySync()];
  const sums = new Array<number>(weight.shape[3]).fill(0);
  for (const [i, weights] of kernel.entries()) {
    for (const [j, pairs] of weights.entries()) {
      for (const [input, outputs] of pairs.entries()) {
        const value = cells[row + i - 1][column + j - 1][input];
        for (const [output, factor] of outputs.entries()) sums[output] += value * factor;
      }
    }
  }
  return sums;
}

describe('convolution', () => {
  it.each(CASES)('%s has the same output and gradients on both backends', async (_name, change) => {
    const options = {...plain, ...change};
    await expectSameOnBothBackends(() =>
      withGradients((...inputs) => apply(options, inputs), operands(options)),
    );
  });

  // TensorFlow.js has no gradient of dilated convolutions.
  it.each([
    {stride: 1, padding: 2},
    {stride: 2, padding: 1},
  ])('with dilation 2, stride $stride has the same output on both backends', async ({stride, padding}) => {
    const options = {...plain, size: [9, 8] as const, dilation: 2, stride, padding};
    await expectSameOnBothBackends(() => [apply(options, operands(options))]);
  });

  it.each([
    ['of 3×3 by strides of 2', {stride: 2}],
    ['with dilation 2', {dilation: 2, padding: 2}],
    ['in groups', {groups: 2}],
  ])('%s has the gradients of finite differences', async (_name, change) => {
    await selectBackend({backend: 'torch'});
    const options = {...plain, ...change};
    const [x, weight] = operands(options);
    // Linear in each operand: a wide step has no error but rounding.
    expectFiniteDifferences((moved) => apply(options, [moved, weight]), x, 0.5, 1e-4);
    expectFiniteDifferences((moved) => apply(options, [x, moved]), weight, 0.5, 1e-4);
  });

  // Winograd's algorithm takes 3×3 convolutions of 16 channels and more: with more weights than cells and the other way
  // round, with tiles that reach over the border, with a gradient of weights in one part and in several, of one lot and more.
  describe('of many channels', () => {
    it.each([
      {batch: 2, size: [7, 9], channels: [16, 32]},
      {batch: 1, size: [3, 2], channels: [32, 16]},
      {batch: 2, size: [17, 20], channels: [16, 48]},
      {batch: 3, size: [33, 30], channels: [16, 16]},
      {batch: 1, size: [33, 30], channels: [48, 96]},
    ] as const)('$channels at $size has the same output and gradients on both backends', async (change) => {
      await expectSameOnBothBackends(() =>
        withGradients((...inputs) => apply(plain, inputs), operandsOf(change)),
      );
    });

    it('has the gradients of finite differences', async () => {
      await selectBackend({backend: 'torch'});
      const [x, weight, bias] = operandsOf({batch: 1, size: [5, 6], channels: [16, 16]});
      expectFiniteDifferences((moved) => apply(plain, [moved, weight, bias]), x, 0.5, 1e-4);
      expectFiniteDifferences((moved) => apply(plain, [x, moved, bias]), weight, 0.5, 1e-4);
    });

    it('is as near to the sum in double precision as single precision allows', async () => {
      await selectBackend({backend: 'torch'});
      const [x, weight] = operandsOf({batch: 1, size: [8, 8], channels: [64, 16]});
      const y = apply(plain, [x, weight]);
      const expected = sumsAt(x as tf.Tensor4D, weight as tf.Tensor4D, 3, 4);
      const largest = tf.max(tf.abs(y)).dataSync()[0];
      const actual = tf.slice(y, [0, 3, 4, 0], [1, 1, 1, 16]).dataSync();
      for (const [i, value] of expected.entries())
        expect(Math.abs(actual[i] - value) / largest).toBeLessThan(2e-6);
    });

    it.each(['fp32', 'bf16'] as const)(
      'in %s has the same values, to the bit, with one thread and with two',
      async (precision) => {
        const results = [];
        for (const threads of [1, 2]) {
          await selectBackend({backend: 'torch', threads});
          const given = operandsOf({batch: 3, size: [33, 30], channels: [16, 16]});
          const outputs = withPrecision(precision, () =>
            withGradients((...inputs) => apply(plain, inputs), given),
          );
          results.push(outputs.map((y) => y.dataSync()));
        }
        expect(results[1]).toEqual(results[0]);
      },
    );

    // Gradients of bfloat16 may be products of matrices of bfloat16, which have an error of 1 %.
    it('in bfloat16 has its output and gradients but for rounding', async () => {
      await selectBackend({backend: 'torch'});
      const compute = () =>
        withGradients(
          (...inputs) => apply(plain, inputs),
          operandsOf({batch: 1, size: [9, 12], channels: [32, 16]}),
        );
      const [half, full] = [withPrecision('bf16', compute), compute()];
      for (const [i, expected] of full.entries()) {
        expect(distance(half[i], expected)).toBeLessThan(i === 0 ? 0.003 : 0.015);
      }
    });
  });

  it.each([
    [16, 1],
    [4, 1],
    [4, 2],
  ])(
    'refuses a gradient that does not fit, with the shapes: %i channels, stride %i',
    async (channels, stride) => {
      await selectBackend({backend: 'torch'});
      const [x, weight] = operandsOf({batch: 1, size: [4, 4], channels: [channels, channels]});
      const dy = drawn('dy', [1, 4, 5, channels]);
      const {padding, dilation, groups} = plain;
      for (const kernel of [KERNELS.convolutionInputGradient, KERNELS.convolutionWeightGradient]) {
        const operation = () => runKernel(kernel, {dy, x, weight}, {stride, padding, dilation, groups});
        const shape = `[1, ${channels}, 4, 4]`;
        expect(operation).toThrow(`a gradient of [1, ${channels}, 4, 5] does not fit input ${shape}`);
      }
    },
  );

  it('refuses operands whose channels differ, with their shapes', async () => {
    await selectBackend({backend: 'torch'});
    const operation = () => apply(plain, [drawn('x', [1, 4, 4, 3]), drawn('weight', [3, 3, 4, 2])]);
    expect(operation).toThrow('convolution: input [1,4,4,3] does not fit weight [3,3,4,2], groups 1');
  });
});
