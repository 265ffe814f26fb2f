/** @file A few numbers stay on the host until libtorch needs them: nobody can tell. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {adamStep} from '../../../src/engine/ops/adam.js';
import {native} from '../../../src/engine/torch/native.js';

const OPERATIONS = {add: tf.add, sub: tf.sub, mul: tf.mul, div: tf.div} as const;

const inTorch = () => native().memory().tensors;

/** Bits, so that NaN equals NaN and 0 differs from −0. */
function bits(tensor: tf.Tensor): Int32Array {
  return new Int32Array(tensor.dataSync<'float32'>().slice().buffer);
}

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

describe('a tensor of a few numbers', () => {
  it.each(Object.entries(OPERATIONS))('has the bits of libtorch after %s', (_name, operation) => {
    // Padded with ones to a length that is not kept on the host.
    const long = (values: readonly number[]) =>
      tf.tensor1d([...values, ...new Array<number>(32 - values.length).fill(1)]);
    const floats = fc.array(fc.float(), {minLength: 7, maxLength: 7});
    fc.assert(
      fc.property(floats, floats, (a, b) => {
        tf.tidy(() => {
          const few = bits(operation(tf.tensor1d(a), tf.tensor1d(b)));
          const many = bits(operation(long(a), long(b))).subarray(0, 7);
          const isNaN32 = (bit: number) => (bit & 0x7fffffff) > 0x7f800000;
          few.forEach((bit, i) => {
            if (isNaN32(bit)) expect(isNaN32(many[i])).toBe(true);
            else expect(bit).toBe(many[i]);
          });
        });
      }),
    );
  });

  it('takes no tensor in libtorch until a kernel there asks for it', () => {
    tf.tidy(() => {
      const before = inTorch();
      const sum = tf.add(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]));
      expect([...sum.dataSync()]).toEqual([4, 6]);
      expect(inTorch()).toBe(before);
      expect([...tf.exp(tf.sub(sum, sum)).dataSync()]).toEqual([1, 1]);
      expect(inTorch()).toBeGreaterThan(before);
    });
  });

  it('is a copy of the array it was made from, and gives copies away', () => {
    const array = Float32Array.of(1, 2);
    const tensor = tf.tensor1d(array);
    array[0] = 7;
    const read = tensor.dataSync();
    read[1] = 7;
    expect([...tensor.dataSync()]).toEqual([1, 2]);
  });

  it('mixes with tensors in libtorch, other shapes and other types', () => {
    const few = tf.tensor1d([1, 2]);
    expect([...tf.add(few, tf.exp(tf.zeros([2]))).dataSync()]).toEqual([2, 3]);
    expect([...tf.add(few, tf.scalar(1)).dataSync()]).toEqual([2, 3]);
    expect([...tf.add(tf.tensor1d([2 ** 31 - 1], 'int32'), tf.tensor1d([1], 'int32')).dataSync()]).toEqual([
      -(2 ** 31),
    ]);
    expect([...tf.add(few.reshape([2, 1]), tf.tensor2d([[1], [2]])).dataSync()]).toEqual([2, 4]);
  });

  it('follows changes in place', () => {
    const variable = tf.variable(tf.tensor1d([1, 2]));
    expect([...tf.add(variable, variable).dataSync()]).toEqual([2, 4]);
    adamStep({
      parameters: [variable],
      gradients: [tf.tensor1d([1, -1])],
      firstMoments: [tf.variable(tf.tensor1d([0, 0]))],
      secondMoments: [tf.variable(tf.tensor1d([0, 0]))],
      step: 1,
      learningRate: 0.5,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
    });
    const doubled = tf.add(variable, variable).dataSync();
    expect(doubled[0]).toBeCloseTo(1, 4);
    expect(doubled[1]).toBeCloseTo(5, 4);
  });
});
