/** @file Exponential moving averages of many variables at once. */
import * as tf from '@tensorflow/tfjs';
import {noteInPlaceChange} from './inPlace.js';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

export interface MovingAverage {
  /** Changed in place. */
  readonly averages: readonly tf.Variable[];
  /** In the same order. */
  readonly values: readonly tf.Variable[];
  /** Of the new values in the average. */
  readonly share: number;
}

/** average ← average + share·(value − average) for every variable: what is equal stays so to the bit. */
export function moveAverages(step: MovingAverage): void {
  const {averages, values, share} = step;
  if (averages.length === 0) return;
  if (hasKernel(KERNELS.movingAverage)) {
    runKernelMany(KERNELS.movingAverage, {}, step);
    averages.forEach(noteInPlaceChange);
    return;
  }
  averages.forEach((average, i) => {
    tf.tidy(() => average.assign(tf.add(average, tf.mul(tf.sub(values[i], average), share))));
  });
}
