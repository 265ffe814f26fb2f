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

  it('finds the different values and where they were', () => {
    const {values, indices} = tf.unique(tf.tensor1d([5, 2, 5, 7]));
    expect(values.arraySync()).toEqual([5, 2, 7]);
    expect(indices.arraySync()).toEqual([0, 1, 0, 2]);
  });

  it('feeds what libtorch computes next, with gradients through both', () => {
    const f = (x: tf.Tensor) =>
      tf.sum(tf.square(tf.localResponseNormalization(x as tf.Tensor4D, 1, 4, 0, 1)));
    // Everything is divided by 4.
    const x = tf.tensor4d([1, 2, 3], [1, 1, 1, 3]);
    expect(Array.from(tf.grad(f)(x).dataSync())).toEqual([0.125, 0.25, 0.375]);
  });

  it('leaves no copy behind on either backend', () => {
    const cpu = tf.findBackend('cpu');
    const native = () => (tf.memory() as tf.MemoryInfo & {numTensorsInTorch: number}).numTensorsInTorch;
    const run = () => tf.tidy(() => void tf.unique(tf.tensor1d([3, 1, 3])).values.dataSync());
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
