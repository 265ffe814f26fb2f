/** @file The lengths of many tensors at once. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

export interface Norms {
  readonly tensors: readonly tf.Tensor[];
}

/**
 * √Σx² of every tensor; not finite where an element is not.
 * @returns [tensors]
 */
export function norms(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  if (tensors.length === 0) return tf.tensor1d([]);
  if (hasKernel(KERNELS.norms)) return runKernel(KERNELS.norms, {}, {tensors});
  return tf.tidy(() => tf.stack(tensors.map((tensor) => tf.norm(tf.reshape(tensor, [-1])))) as tf.Tensor1D);
}
