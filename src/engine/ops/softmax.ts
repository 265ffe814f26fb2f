/** @file Softmax and its logarithm over the last axis; the gradient needs the output alone. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

/** exp(x) / Σ exp(x) over the last axis. @param x [..., C] */
export function softmax<T extends tf.Tensor>(x: T): T {
  return hasKernel(KERNELS.softmax) ? runKernel(KERNELS.softmax, {x}) : tf.softmax(x);
}

/** x − log Σ exp(x) over the last axis. @param x [..., C] */
export function logSoftmax<T extends tf.Tensor>(x: T): T {
  return hasKernel(KERNELS.logSoftmax) ? runKernel(KERNELS.logSoftmax, {x}) : tf.logSoftmax(x);
}

for (const [kernelName, gradient] of [
  [KERNELS.softmax, KERNELS.softmaxGradient],
  [KERNELS.logSoftmax, KERNELS.logSoftmaxGradient],
] as const) {
  tf.registerGradient({
    kernelName,
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({x: () => runKernel(gradient, {dy: dy as tf.Tensor, y})}),
  });
}
