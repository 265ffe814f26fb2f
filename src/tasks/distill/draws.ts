/** @file The random numbers of a distillation step: all of them follow from one stream, so that a resumed run draws the same. */
import * as tf from '@tensorflow/tfjs';
import type {RandomStream} from '../../random.js';

/** Where a step takes its random numbers from. */
export interface TensorDraws {
  /** Independent N(0, 1). */
  normal(shape: [number, number, number, number]): tf.Tensor4D;
  /** `count` numbers, uniform in [0, 1). */
  uniform(count: number): number[];
}

export function tensorDraws(random: RandomStream): TensorDraws {
  return {
    normal: (shape) => tf.tensor4d(normals(random, tf.util.sizeFromShape(shape)), shape),
    uniform: (count) => Array.from({length: count}, () => random.uniform()),
  };
}

const WORD = 2 ** 32;
const HALF_WORD = 2 ** 31;

/**
 * Gaussian numbers by Marsaglia's polar method. A step needs millions: they come from a generator in 32-bit integers
 * (SFC32, Doty-Humphrey 2010) that the stream seeds, three times as fast as the stream itself.
 */
function normals(random: RandomStream, count: number): Float32Array {
  const values = new Float32Array(count);
  const next = integers(random);
  for (let i = 0; i < count; i += 2) {
    let [x, y, square] = [0, 0, 0];
    do {
      x = next() / HALF_WORD;
      y = next() / HALF_WORD;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    values[i] = x * factor;
    if (i + 1 < count) values[i + 1] = y * factor;
  }
  return values;
}

/** Uniform in [−2³¹, 2³¹). */
function integers(random: RandomStream): () => number {
  let [a, b, c] = [random.integer(WORD) | 0, random.integer(WORD) | 0, random.integer(WORD) | 0];
  let counter = 1;
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum;
  };
}
