/** @file Results that are held in libtorch's order of axes: read, reshaped, added and freed like any other. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {convolution} from '../../../src/engine/ops/convolution.js';
import {native} from '../../../src/engine/torch/native.js';
import {drawn, expectSameOnBothBackends} from '../compare.js';

const PLAIN = {stride: 1, padding: 0, dilation: 1, groups: 1};

/** A tensor of shape [2, 4, 5, 3] that a convolution gave. */
function convolved(name: string): tf.Tensor4D {
  const x = drawn<tf.Rank.R4>(name, [2, 4, 5, 3]);
  return convolution(x, drawn<tf.Rank.R4>('weight', [1, 1, 3, 3]), null, PLAIN);
}

describe('a result of a convolution', () => {
  it.each<[string, () => tf.Tensor]>([
    ['is read', () => convolved('x')],
    ['is reshaped', () => tf.reshape(convolved('x'), [8, 15])],
    ['is added to another', () => tf.add(convolved('x'), convolved('y'))],
    ['is added to a tensor of its own shape', () => tf.add(drawn('y', [2, 4, 5, 3]), convolved('x'))],
    ['is added to one channel each', () => tf.add(convolved('x'), drawn('y', [3]))],
    ['is added to one row', () => tf.add(convolved('x'), drawn('y', [5, 3]))],
    ['is summed with others', () => tf.addN([convolved('x'), drawn('y', [2, 4, 5, 3]), convolved('z')])],
    ['is compared', () => tf.cast(tf.greater(convolved('x'), convolved('y')), 'float32')],
    [
      'is reversed, sliced and transposed',
      () => tf.transpose(tf.slice(tf.reverse(convolved('x'), 2), [0, 1])),
    ],
    ['is convolved again', () => convolution(convolved('x'), drawn('w', [3, 3, 3, 2]), null, PLAIN)],
    [
      'is convolved as another shape',
      () => {
        const other = tf.reshape(convolved('x'), [2, 5, 4, 3]) as tf.Tensor4D;
        return convolution(other, drawn('w', [3, 3, 3, 2]), null, PLAIN);
      },
    ],
  ])('%s with the same numbers as on the cpu backend', async (_, operation) => {
    await expectSameOnBothBackends(() => [operation()]);
  });
});

describe('memory', () => {
  beforeAll(async () => {
    await selectBackend({backend: 'torch'});
  });

  it('is given back with both orders of a tensor', () => {
    const before = native().memory();
    tf.tidy(() => {
      const x = convolved('x');
      tf.add(x, tf.slice(x, [0, 0, 0, 0], [2, 4, 5, 3])).dataSync();
    });
    expect(native().memory()).toEqual(before);
  });

  it('of a variable is given back when its layout was replaced', () => {
    const before = native().memory();
    const weight = tf.tidy(() => tf.variable(drawn<tf.Rank.R4>('w', [3, 3, 3, 2])));
    tf.tidy(() => convolution(convolved('x'), weight as tf.Tensor4D, null, PLAIN).dataSync());
    weight.dispose();
    expect(native().memory()).toEqual(before);
  });
});
