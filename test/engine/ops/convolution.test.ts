/** @file The convolution operator: libtorch's kernels, the portable composition and finite differences agree. */
import type * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {type ConvolutionOptions, convolution} from '../../../src/engine/ops/convolution.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

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

  it('refuses operands whose channels differ, with their shapes', async () => {
    await selectBackend({backend: 'torch'});
    const operation = () => apply(plain, [drawn('x', [1, 4, 4, 3]), drawn('weight', [3, 3, 4, 2])]);
    expect(operation).toThrow('convolution: input [1,4,4,3] does not fit weight [3,3,4,2], groups 1');
  });
});
