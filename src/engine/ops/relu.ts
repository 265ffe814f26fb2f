/** @file Rectified linear unit whose gradient is one pass over the saved output. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

/** max(x, 0), of any shape. */
export function relu<T extends tf.Tensor>(x: T): T {
  return hasKernel(KERNELS.relu) ? runKernel(KERNELS.relu, {x}) : tf.relu(x);
}

tf.registerGradient({
  kernelName: KERNELS.relu,
  outputsToSave: [true],
  gradFunc: (dy, [y]) => ({x: () => runKernel(KERNELS.reluGradient, {dy: dy as tf.Tensor, y})}),
});
