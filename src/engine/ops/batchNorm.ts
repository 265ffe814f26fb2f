/** @file Batch normalisation over N, H and W (Ioffe & Szegedy 2015, Alg. 1), counting variances as PyTorch does. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

export interface BatchNormOptions {
  /** Weight of the new batch in the running statistics. */
  readonly momentum: number;
  readonly epsilon: number;
}

/**
 * Normalises by the batch's mean and biased variance; the running statistics move towards the batch's mean and
 * unbiased variance, in place.
 * @param x [B, H, W, C]
 * @param scale, offset, runningMean, runningVariance [C]
 * @throws Error if C differs between the arguments
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  runningMean: tf.Variable,
  runningVariance: tf.Variable,
  {momentum, epsilon}: BatchNormOptions,
): tf.Tensor4D {
  checkChannels(x, scale, offset, runningMean, runningVariance);
  if (hasKernel(KERNELS.batchNorm)) {
    const attributes = {runningMean, runningVariance, momentum, epsilon};
    return runKernelMany(KERNELS.batchNorm, {x, scale, offset}, attributes)[0] as tf.Tensor4D;
  }
  const {mean, variance} = tf.moments(x, [0, 1, 2]);
  const count = x.size / x.shape[3];
  tf.tidy(() => {
    move(runningMean, mean, momentum);
    move(runningVariance, tf.mul(variance, count / (count - 1)), momentum);
  });
  return normalize(x, scale, offset, mean as tf.Tensor1D, variance as tf.Tensor1D, epsilon);
}

/** Normalises by the running statistics. Shapes as in `batchNormTraining`. */
export function batchNormInference(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  runningMean: tf.Tensor1D,
  runningVariance: tf.Tensor1D,
  epsilon: number,
): tf.Tensor4D {
  checkChannels(x, scale, offset, runningMean, runningVariance);
  return tf.batchNorm4d(x, runningMean, runningVariance, offset, scale, epsilon);
}

function normalize(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
  epsilon: number,
): tf.Tensor4D {
  const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(tf.sub(x, mean), factor), offset);
}

function move(running: tf.Variable, batch: tf.Tensor, momentum: number): void {
  running.assign(tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum)));
}

function checkChannels(x: tf.Tensor4D, ...perChannel: tf.Tensor[]): void {
  const wrong = perChannel.find((tensor) => tensor.size !== x.shape[3]);
  if (wrong)
    throw new Error(`batchNorm: input [${x.shape}] does not fit statistics of shape [${wrong.shape}]`);
}

tf.registerGradient({
  kernelName: KERNELS.batchNorm,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attributes) => {
    const [x, scale, mean, inverseDeviation] = saved;
    const dy = (dys as tf.Tensor[])[0];
    const [dx, dScale, dOffset] = runKernelMany(
      KERNELS.batchNormGradient,
      {dy, x, scale, mean, inverseDeviation},
      attributes,
    );
    return {x: () => dx, scale: () => dScale, offset: () => dOffset};
  },
});
