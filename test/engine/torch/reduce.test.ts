/** @file Reductions, truth values and running sums in libtorch against TensorFlow.js's own. */
import * as tf from '@tensorflow/tfjs';
import {describe, it} from 'vitest';
import {drawn, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

const AXES: (number | number[] | undefined)[] = [undefined, 0, -1, [0, 2], [2, 0], [1]];
const SHAPE = [3, 4, 5];

const integers = () => tf.cast(tf.mul(drawn('x', SHAPE), 5e8), 'int32');
const truths = (threshold: number) => tf.greater(drawn('x', SHAPE), threshold);

/** A reduction over every choice of axes, with and without keeping them. */
function everyWay(
  reduce: (axis: number | number[] | undefined, keepDims: boolean) => tf.Tensor,
): tf.Tensor[] {
  return AXES.flatMap((axis) => [false, true].map((keepDims) => reduce(axis, keepDims)));
}

describe('reductions', () => {
  it.each<[string, typeof tf.sum]>([
    ['sum', tf.sum],
    ['max', tf.max],
    ['min', tf.min],
  ])('of integers: %s agrees, and wraps around alike', async (_, reduce) => {
    const compute = () => everyWay((axis, keepDims) => reduce(integers(), axis, keepDims));
    await expectAgreement(compute, 0);
    await expectOnlyLibtorch(compute);
  });

  it('multiply up', async () => {
    const compute = () => everyWay((axis, keepDims) => tf.prod(drawn('x', SHAPE), axis, keepDims));
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });

  it.each([0, -4, 4, 1.5])('of truth values agree (above %d)', async (threshold) => {
    const compute = () => [
      ...everyWay((axis, keepDims) => tf.any(truths(threshold), axis, keepDims)),
      ...everyWay((axis, keepDims) => tf.all(truths(threshold), axis, keepDims)),
    ];
    await expectAgreement(compute, 0);
    await expectOnlyLibtorch(compute);
  });

  it('agree about a single value and about none', async () => {
    await expectAgreement(() => [
      tf.any(tf.scalar(1, 'bool')),
      tf.prod(tf.scalar(3)),
      tf.prod(tf.zeros([0, 3]), 0),
      tf.sum(tf.scalar(3, 'int32')),
    ]);
  });
});

describe('logic', () => {
  it('agrees, with broadcasting', async () => {
    const compute = () => {
      const [a, b] = [truths(0), tf.greater(drawn('y', [4, 1]), 0)];
      return [tf.logicalAnd(a, b), tf.logicalOr(a, b), tf.logicalXor(a, b), tf.logicalNot(a)];
    };
    await expectAgreement(compute, 0);
    await expectOnlyLibtorch(compute);
  });
});

describe.each([false, true])('running, exclusive %s', (exclusive) => {
  it.each([false, true])('sums and products agree, reversed %s', async (reverse) => {
    const compute = () =>
      [0, 1, 2].flatMap((axis) => [
        tf.cumsum(drawn('x', SHAPE), axis, exclusive, reverse),
        tf.cumprod(drawn('x', SHAPE), axis, exclusive, reverse),
        tf.cumsum(integers(), axis, exclusive, reverse),
      ]);
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });

  it('sums have the gradients of the cpu backend', async () => {
    const f = (x: tf.Tensor) => tf.cumsum(x, 2, exclusive);
    await expectAgreement(() => withGradients(f, [drawn('x', SHAPE)]));
  });

  it('sums hand NaN and infinity on', async () => {
    const x = () => tf.tensor1d([1, Number.POSITIVE_INFINITY, 2, Number.NaN, 3]);
    await expectAgreement(() => [tf.cumsum(x(), 0, exclusive), tf.cumprod(x(), 0, exclusive, true)]);
  });
});
