/** @file Kernels that libtorch does not carry out work on the torch backend all the same. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

describe('delegation to the cpu backend', () => {
  it('multiplies complex numbers and gives their parts back', () => {
    const product = tf.mul(tf.complex([1, 2], [3, 4]), tf.complex([5, 0], [-1, 2]));
    expect(tf.real(product).arraySync()).toEqual([8, -8]);
    expect(tf.imag(product).arraySync()).toEqual([14, 4]);
  });

  it('transforms by FFT', () => {
    const spectrum = tf.fft(tf.complex([1, 0, 0, 0], [0, 0, 0, 0]));
    expect(tf.real(spectrum).arraySync()).toEqual([1, 1, 1, 1]);
  });

  it('splits and joins strings', () => {
    const {values} = tf.string.stringSplit(['a bc'], ' ');
    expect(values.arraySync()).toEqual(['a', 'bc']);
    expect(tf.concat([tf.tensor1d(['a']), tf.tensor1d(['b'])]).arraySync()).toEqual(['a', 'b']);
  });

  it('finds the largest values and their places', () => {
    const {values, indices} = tf.topk(
      tf.tensor2d([
        [1, 5, 3],
        [9, 2, 7],
      ]),
      2,
    );
    expect(values.arraySync()).toEqual([
      [5, 3],
      [9, 7],
    ]);
    expect(indices.arraySync()).toEqual([
      [1, 2],
      [0, 2],
    ]);
  });

  it('feeds what libtorch computes next, with gradients through both', () => {
    const f = (x: tf.Tensor) => tf.sum(tf.square(tf.cumsum(x)));
    // The sums are 1, 3 and 6; element i takes part in all from i on.
    expect(
      tf
        .grad(f)(tf.tensor1d([1, 2, 3]))
        .arraySync(),
    ).toEqual([20, 18, 12]);
  });

  it('leaves no copy behind on either backend', () => {
    const cpu = tf.findBackend('cpu');
    const native = () => (tf.memory() as tf.MemoryInfo & {numTensorsInTorch: number}).numTensorsInTorch;
    const run = () => tf.tidy(() => void tf.topk(tf.tensor1d([3, 1, 2]), 2).values.dataSync());
    run();
    const before = [cpu.numDataIds(), tf.backend().numDataIds(), native()];
    run();
    expect([cpu.numDataIds(), tf.backend().numDataIds(), native()]).toEqual(before);
  });

  it('leaves no parts of complex numbers behind', () => {
    const cpu = tf.findBackend('cpu');
    const run = () =>
      tf.tidy(() => void tf.real(tf.mul(tf.complex([1], [2]), tf.complex([3], [4]))).dataSync());
    run();
    const before = [cpu.numDataIds(), tf.backend().numDataIds()];
    run();
    expect([cpu.numDataIds(), tf.backend().numDataIds()]).toEqual(before);
  });
});
