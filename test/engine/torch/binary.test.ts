/** @file Functions of two numbers in libtorch against TensorFlow.js's own, over every pair of odd ones. */
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import {describe, it} from 'vitest';
import {drawn, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const {POSITIVE_INFINITY: INF, NaN: NONE} = Number;
const FLOATS = [0, -0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 1e-10, -1e-10, 7.25, 1e20, -1e20, INF, -INF, NONE];
const INTEGERS = [0, 1, -1, 2, -2, 3, -3, 7, -7, 1000, 2 ** 31 - 1, -(2 ** 31)];

/** All numbers against all. */
function table(f: Binary, numbers: number[], dtype: 'float32' | 'int32'): tf.Tensor {
  const [row, count] = [tf.tensor(numbers, [numbers.length], dtype), numbers.length];
  return f(
    tf.tile(tf.reshape(row, [count, 1]), [1, count]),
    tf.tile(tf.reshape(row, [1, count]), [count, 1]),
  );
}

describe('over every pair of odd numbers', () => {
  it.each<[string, Binary]>([
    ['pow', tf.pow],
    ['mod', tf.mod],
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
  ])('%s agrees', async (_, f) => {
    // A value of its own each: the tolerance is relative to the largest.
    await expectAgreement(() => FLOATS.flatMap((a) => FLOATS.map((b) => f(tf.scalar(a), tf.scalar(b)))));
    await expectOnlyLibtorch(() => [table(f, FLOATS, 'float32')]);
  });

  it.each<[string, Binary]>([
    ['add', tf.add],
    ['sub', tf.sub],
    ['mod', tf.mod],
    ['floorDiv', tf.floorDiv],
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
    ['bitwiseAnd', tf.bitwiseAnd],
    ['div', tf.div],
  ])('%s of integers agrees', async (_, f) => {
    await expectAgreement(() => [table(f, INTEGERS, 'int32')], 0);
    await expectOnlyLibtorch(() => [table(f, INTEGERS, 'int32')]);
  });

  it('floorDiv and mod of any integers agree', async () => {
    const integers = fc.array(fc.integer(), {minLength: 8, maxLength: 8});
    await fc.assert(
      fc.asyncProperty(integers, (numbers) =>
        expectAgreement(() => [table(tf.floorDiv, numbers, 'int32'), table(tf.mod, numbers, 'int32')], 0),
      ),
      {numRuns: 20, seed: 1},
    );
  });
});

describe('gradients', () => {
  it.each<[string, Binary]>([
    ['pow', (a, b) => tf.pow(tf.abs(a), b)],
    ['pow by one exponent', (a) => tf.pow(a, 3)],
    ['mod', tf.mod],
    ['prelu', (a, b) => tf.prelu(a as tf.Tensor3D, b as tf.Tensor3D)],
  ])('of %s agree, with broadcasting', async (name, f) => {
    const inputs = name.includes('one') ? ['a'] : ['a', 'b'];
    await expectAgreement(() =>
      withGradients(
        (...given) => f(given[0], given[1]),
        inputs.map((input, i) => drawn(input, i === 0 ? [4, 3, 5] : [3, 1])),
      ),
    );
  });

  it.each<[string, Binary]>([
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
  ])('of %s agree, also where both are equal', async (_, f) => {
    await expectAgreement(() => {
      const inputs = ['a', 'b'].map((name) => tf.round(drawn(name, [4, 3, 5])));
      return withGradients((...given) => f(given[0], given[1]), inputs);
    });
  });
});
