/** @file Copies of many tensors at once, in memory of their own. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

export interface Copies {
  readonly tensors: readonly tf.Tensor[];
}

/** A copy of each tensor that does not change with it; `tf.clone` would share what kernels change in place. */
export function copies(tensors: readonly tf.Tensor[]): tf.Tensor[] {
  if (tensors.length === 0) return [];
  if (hasKernel(KERNELS.copies)) return runKernelMany(KERNELS.copies, {}, {tensors});
  return tf.tidy(() => tensors.map((tensor) => tf.mul(tensor, 1)));
}
