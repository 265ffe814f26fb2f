/** @file The transposed convolution: libtorch's kernels, the portable composition and finite differences agree. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {
  type TransposedConvolutionOptions,
  transposedConvolution,
} from '../../../src/engine/ops/transposedConvolution.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

interface Case extends TransposedConvolutionOptions {
  readonly kernel: number;
  readonly withBias: boolean;
}

const plain: Case = {kernel: 4, stride: 2, padding: 1, outputPadding: 0, groups: 1, withBias: false};

const CASES: [string, Partial<Case>][] = [
  ['of 4×4 by strides of 2', {}],
  ['of 4×4 by strides of 2 with bias', {withBias: true}],
  ['of 3×3 by strides of 2 with output padding', {kernel: 3, outputPadding: 1}],
  ['of 2×2 by strides of 2 without padding', {kernel: 2, padding: 0}],
  ['of 2×2 by strides of 3, which leaves gaps', {kernel: 2, stride: 3, padding: 0, outputPadding: 2}],
  ['of 3×3 by strides of 1', {kernel: 3, stride: 1}],
  ['in two groups with bias', {groups: 2, withBias: true}],
  ['in four groups (depthwise)', {groups: 4}],
];

const [INPUTS, OUTPUTS] = [4, 8];

function operands({kernel, groups, withBias}: Case): tf.Tensor[] {
  const x = drawn('x', [2, 3, 5, INPUTS]);
  const weight = drawn('weight', [kernel, kernel, OUTPUTS / groups, INPUTS]);
  return withBias ? [x, weight, drawn('bias', [OUTPUTS])] : [x, weight];
}

function apply(options: TransposedConvolutionOptions, [x, weight, bias]: readonly tf.Tensor[]): tf.Tensor4D {
  return transposedConvolution(
    x as tf.Tensor4D,
    weight as tf.Tensor4D,
    (bias ?? null) as tf.Tensor1D | null,
    options,
  );
}

describe('transposedConvolution', () => {
  it.each(CASES)('%s has the same output and gradients on both backends', async (_name, change) => {
    const options = {...plain, ...change};
    await expectSameOnBothBackends(() =>
      withGradients((...inputs) => apply(options, inputs), operands(options)),
    );
  });

  it.each([
    ['of 4×4 by strides of 2', {}],
    ['of 3×3 with output padding', {kernel: 3, outputPadding: 1}],
    ['in groups', {groups: 2}],
  ])('%s has the gradients of finite differences', async (_name, change) => {
    await selectBackend({backend: 'torch'});
    const options = {...plain, ...change};
    const [x, weight] = operands(options);
    // Linear in each operand: a wide step has no error but rounding.
    expectFiniteDifferences((moved) => apply(options, [moved, weight]), x, 0.5, 1e-4);
    expectFiniteDifferences((moved) => apply(options, [x, moved]), weight, 0.5, 1e-4);
  });

  it.each<BackendName>(['torch', 'cpu'])('spreads each value by the weight on %s', async (backend) => {
    await selectBackend({backend});
    const x = tf.tensor4d([1, 10], [1, 1, 2, 1]);
    const weight = tf.tensor4d([1, 2, 3], [1, 3, 1, 1]);
    const options = {stride: 2, padding: 0, outputPadding: 1, groups: 1};
    const y = transposedConvolution(x, weight, tf.tensor1d([100]), options);
    // The row of output padding below holds the bias alone.
    expect([...y.dataSync()]).toEqual([101, 102, 113, 120, 130, 100, 100, 100, 100, 100, 100, 100]);
  });

  it('refuses operands whose channels differ, with their shapes', async () => {
    await selectBackend({backend: 'torch'});
    const operation = () => apply(plain, [drawn('x', [1, 4, 4, 3]), drawn('weight', [4, 4, 2, 4])]);
    expect(operation).toThrow(
      'transposedConvolution: input [1,4,4,3] does not fit weight [4,4,2,4], groups 1',
    );
  });

  it('refuses output padding of a whole stride', async () => {
    await selectBackend({backend: 'torch'});
    const operation = () => apply({...plain, outputPadding: 2}, operands(plain));
    expect(operation).toThrow('outputPadding 2 must be less than stride 2, for input [2,3,5,4]');
  });
});
