/** @file Functions of one tensor in libtorch against TensorFlow.js's own, at ordinary and at odd numbers. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {convolution} from '../../../src/engine/ops/convolution.js';
import {drawn, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

const ODD = [
  0,
  -0,
  1,
  -1,
  1e-30,
  -1e-30,
  40,
  -40,
  1e30,
  -1e30,
  Number.POSITIVE_INFINITY,
  -Infinity,
  Number.NaN,
];

/** With slopes of any shape that broadcasts, which the types of TensorFlow.js leave out. */
const prelu = (x: tf.Tensor, slopes: tf.Tensor): tf.Tensor =>
  tf.prelu(x as tf.Tensor1D, slopes as tf.Tensor1D);

const odd = () => tf.tensor1d(ODD);

const FUNCTIONS: [name: string, f: (x: tf.Tensor) => tf.Tensor][] = [
  ['acosh', (x) => tf.acosh(tf.add(tf.abs(x), 1.5))],
  ['asinh', (x) => tf.asinh(x)],
  ['atanh', (x) => tf.atanh(tf.mul(tf.tanh(x), 0.9))],
  ['elu', (x) => tf.elu(x)],
  ['selu', (x) => tf.selu(x)],
  ['sign', (x) => tf.sign(x)],
  ['softplus', (x) => tf.softplus(x)],
  ['step', (x) => tf.step(x)],
  ['step with a slope', (x) => tf.step(x, 0.1)],
];

describe.each(FUNCTIONS)('%s', (_, f) => {
  it('agrees with the cpu backend, with its gradient', async () => {
    const compute = () => withGradients(f, [tf.mul(drawn('x', [3, 5, 2]), 3)]);
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });
});

describe.each([
  ['acosh', tf.acosh],
  ['asinh', tf.asinh],
  ['atanh', tf.atanh],
  ['elu', tf.elu],
  ['selu', tf.selu],
  ['sign', tf.sign],
  ['softplus', tf.softplus],
  ['step', tf.step],
  ['isNaN', tf.isNaN],
  ['isInf', tf.isInf],
  ['isFinite', tf.isFinite],
] as [string, (x: tf.Tensor) => tf.Tensor][])('%s', (_, f) => {
  it.each(ODD)('of %d is what it is on the cpu backend', async (value) => {
    await expectAgreement(() => [f(tf.fill([1], value)), f(tf.fill([37], value))], 1e-6);
  });
});

describe('prelu', () => {
  it.each([[[3]], [[4, 1]], [[2, 4, 3]], [[1]]])('agrees with slopes of shape %j', async (shape) => {
    const f = (x: tf.Tensor, slopes: tf.Tensor) => prelu(x, slopes);
    await expectAgreement(() => withGradients(f, [drawn('x', [2, 4, 3]), drawn('slopes', shape)]));
  });

  it('agrees at odd numbers', async () => {
    await expectAgreement(() => [prelu(odd(), tf.tensor1d([0])), prelu(odd(), tf.tensor1d([-2]))]);
  });
});

describe('what a convolution gave', () => {
  it('stays in its order of axes through an activation', async () => {
    await expectAgreement(() => {
      const options = {stride: 1, padding: 0, dilation: 1, groups: 1};
      const weight = drawn<tf.Rank.R4>('weight', [1, 1, 3, 3]);
      const x = convolution(drawn<tf.Rank.R4>('x', [2, 4, 5, 3]), weight, null, options);
      return [tf.elu(x), prelu(x, tf.elu(x)), prelu(x, drawn('slopes', [3])), tf.isNaN(x), tf.step(x)];
    });
  });
});

describe('zeros and ones like another tensor', () => {
  it('keep its type', async () => {
    const compute = () =>
      (['float32', 'int32', 'bool'] as const).flatMap((dtype) => {
        const x = tf.cast(drawn('x', [2, 3]), dtype);
        return [tf.zerosLike(x), tf.onesLike(x)];
      });
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
    expect(tf.zerosLike(tf.tensor([1], [1], 'bool')).dtype).toBe('bool');
  });
});
