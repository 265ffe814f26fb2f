/** @file Prepared convolutions: the same values as convolution, batch normalisation, residual and activation in turn. */
import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import type {Activation} from '../../../src/engine/ops/batchNorm.js';
import {convolutionNormalized, type Normalization} from '../../../src/engine/ops/convolution.js';
import {prepareConvolution, preparedConvolution} from '../../../src/engine/ops/preparedConvolution.js';
import {withPrecision} from '../../../src/engine/precision.js';
import {native, operator} from '../../../src/engine/torch/native.js';
import {drawn} from '../compare.js';

interface Case {
  readonly channels: readonly [number, number];
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  readonly activation: Activation;
  readonly withBias: boolean;
  readonly withResidual: boolean;
}

const plain: Case = {
  channels: [16, 32],
  kernel: 3,
  stride: 1,
  dilation: 1,
  groups: 1,
  activation: 'none',
  withBias: false,
  withResidual: false,
};

const CASES: [string, Partial<Case>][] = [
  ['alone', {}],
  ['with ReLU', {activation: 'relu'}],
  ['with SiLU', {activation: 'silu'}],
  ['with bias and ReLU', {withBias: true, activation: 'relu'}],
  ['with residual and ReLU', {withResidual: true, activation: 'relu'}],
  ['of an image', {channels: [3, 8], stride: 2, activation: 'relu'}],
  ['of 1×1', {kernel: 1, activation: 'relu'}],
  ['dilated', {dilation: 2}],
  ['in two groups', {groups: 2, activation: 'relu'}],
  ['depthwise', {channels: [16, 16], groups: 16, activation: 'silu'}],
  ['of more weights than cells', {channels: [64, 48], activation: 'relu', withResidual: true}],
  ['of channels that fill no vector', {channels: [5, 7], activation: 'relu'}],
];

const [HEIGHT, WIDTH] = [12, 10];

function operands({channels: [inputs, outputs], kernel, groups, withBias}: Case) {
  return {
    x: drawn('x', [2, HEIGHT, WIDTH, inputs]) as tf.Tensor4D,
    weight: drawn('weight', [kernel, kernel, inputs / groups, outputs]) as tf.Tensor4D,
    bias: withBias ? (drawn('bias', [outputs]) as tf.Tensor1D) : null,
    state: {
      scale: drawn('scale', [outputs]) as tf.Tensor1D,
      offset: drawn('offset', [outputs]) as tf.Tensor1D,
      runningMean: tf.variable(drawn('mean', [outputs])),
      runningVariance: tf.variable(tf.abs(drawn('variance', [outputs]))),
    },
  };
}

function prepared(change: Partial<Case>) {
  const options = {...plain, ...change};
  const {kernel, stride, dilation, groups, activation, withResidual} = options;
  const given = operands(options);
  const geometry = {stride, dilation, groups, padding: ((kernel - 1) / 2) * dilation};
  const shape: [number, number, number, number] = [
    2,
    Math.ceil(HEIGHT / stride),
    Math.ceil(WIDTH / stride),
    options.channels[1],
  ];
  const residual = withResidual ? (drawn('residual', shape) as tf.Tensor4D) : null;
  const normalization: Normalization = {state: given.state, epsilon: 1e-5, activation, residual};
  const step = prepareConvolution(given.x, given.weight, given.bias, geometry, normalization)!;
  const reference = (x: tf.Tensor4D) =>
    convolutionNormalized(x, given.weight, given.bias, geometry, normalization);
  return {...given, step, residual, reference};
}

/** Winograd's algorithm rounds up to three times as much as a plain sum, and here other weights: those with the norm in them. */
const ROUNDING = 2e-6;

function roundingOf(change: Partial<Case>): number {
  const {kernel, stride, dilation, groups, channels} = {...plain, ...change};
  const isPlain = kernel !== 3 || stride * dilation * groups > 1 || channels.some((count) => count % 8 !== 0);
  return isPlain ? 1e-6 : ROUNDING;
}

function expectClose(actual: tf.Tensor, expected: tf.Tensor, tolerance = ROUNDING): void {
  expect(actual.shape).toEqual(expected.shape);
  const largest = tf.max(tf.abs(expected)).dataSync()[0];
  const difference = tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0];
  expect(difference / largest).toBeLessThan(tolerance);
}

describe('a prepared convolution', () => {
  it.each(CASES)('%s equals the steps one by one', async (_name, change) => {
    await selectBackend({backend: 'torch'});
    const {x, step, residual, reference} = prepared(change);
    expectClose(preparedConvolution(x, step, residual), reference(x), roundingOf(change));
  });

  it.each(CASES)('%s, in bfloat16, equals them but for its rounding', async (_name, change) => {
    await selectBackend({backend: 'torch'});
    const {x, step, residual, reference} = withPrecision('bf16', () => prepared(change));
    // oneDNN has bfloat16 for processors with AVX-512 only.
    if (!step) return expect(readFileSync('/proc/cpuinfo', 'utf8')).not.toContain('avx512bw');
    expectClose(preparedConvolution(x, step, residual), reference(x), 2 ** -7);
  });

  it('takes other batches and sizes than that for which it was prepared', async () => {
    await selectBackend({backend: 'torch'});
    const {step, reference} = prepared({activation: 'relu'});
    for (const size of [
      [1, 12, 10],
      [5, 7, 9],
      [2, 24, 31],
    ]) {
      const [batch, height, width] = size;
      const x = drawn<tf.Rank.R4>(`x of ${size}`, [batch, height, width, 16]);
      expectClose(preparedConvolution(x, step, null), reference(x));
    }
  });

  it('does not need the weights from which it was made', async () => {
    await selectBackend({backend: 'torch'});
    const {x, weight, step, reference} = prepared({channels: [64, 64], activation: 'relu'});
    const expected = reference(x);
    weight.dispose();
    // Whatever takes the memory of the weights must not show.
    tf.tidy(() => tf.fill([3, 3, 64, 64], Number.NaN).dataSync());
    expectClose(preparedConvolution(x, step, null), expected);
  });

  it('leaves nothing behind when its weights are disposed', async () => {
    await selectBackend({backend: 'torch'});
    const before = native().memory();
    tf.tidy(() => {
      const {x, step, residual, state} = prepared({activation: 'relu'});
      preparedConvolution(x, step, residual);
      step.weights.dispose();
      tf.dispose([state.runningMean, state.runningVariance]);
    });
    expect(native().memory()).toEqual(before);
  });

  it('refuses inputs of other channels, and tensors that hold no such convolution', async () => {
    await selectBackend({backend: 'torch'});
    const {step} = prepared({});
    const other = drawn('other', [2, 12, 10, 8]) as tf.Tensor4D;
    expect(() => preparedConvolution(other, step, null)).toThrow(/16.*\[2, 8, 12, 10\]/);
    const x = drawn('x', [2, 12, 10, 16]) as tf.Tensor4D;
    const plainTensor = tf.tensor1d([], 'bool');
    expect(() => preparedConvolution(x, {weights: plainTensor, remaining: 'none'}, null)).toThrow(
      /expected what prepare_convolution gave/,
    );
  });

  it('is not made by a backend that cannot', async () => {
    await selectBackend({backend: 'cpu'});
    expect(prepared({}).step).toBeNull();
  });

  it('cannot be read at the boundary', async () => {
    await selectBackend({backend: 'torch'});
    const {step} = prepared({});
    expect([...step.weights.dataSync()]).toEqual([]);
    const handle = (step.weights.dataId as unknown as {handle: number}).handle;
    expect(() => operator('as_strided')(handle, [4], [1], 0)).toThrow(/storage/);
  });
});
