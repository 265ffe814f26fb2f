/** @file Batch normalisation over N, H and W (Ioffe & Szegedy 2015, Alg. 1), counting variances as PyTorch does. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel, runKernelMany} from './kernels.js';
import {relu} from './relu.js';

export interface BatchNormOptions {
  /** Weight of the new batch in the running statistics. */
  readonly momentum: number;
  readonly epsilon: number;
}

/** What a channel-wise normalisation needs; each is [C]. */
export interface BatchNormState {
  readonly scale: tf.Tensor1D;
  readonly offset: tf.Tensor1D;
  readonly runningMean: tf.Variable;
  readonly runningVariance: tf.Variable;
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
  state: BatchNormState,
  {momentum, epsilon}: BatchNormOptions,
): tf.Tensor4D {
  const {scale, offset, runningMean, runningVariance} = state;
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

/**
 * max(0, normalised x + residual): the end of a residual unit in one kernel, which holds one tensor where the steps
 * one by one hold three. Everything else as in `batchNormTraining`.
 * @param residual of x's shape, or null
 */
export function batchNormReluTraining(
  x: tf.Tensor4D,
  residual: tf.Tensor4D | null,
  state: BatchNormState,
  options: BatchNormOptions,
): tf.Tensor4D {
  if (residual && !tf.util.arraysEqual(residual.shape, x.shape))
    throw new Error(`batchNormRelu: residual [${residual.shape}] does not fit input [${x.shape}]`);
  if (!hasKernel(KERNELS.batchNormRelu)) {
    const y = batchNormTraining(x, state, options);
    return relu(residual ? tf.add(y, residual) : y);
  }
  const {scale, offset, runningMean, runningVariance} = state;
  checkChannels(x, scale, offset, runningMean, runningVariance);
  const inputs = residual ? {x, scale, offset, residual} : {x, scale, offset};
  const attributes = {runningMean, runningVariance, ...options};
  return runKernelMany(KERNELS.batchNormRelu, inputs, attributes)[0] as tf.Tensor4D;
}

/** Normalises by the running statistics. Shapes as in `batchNormTraining`. */
export function batchNormInference(
  x: tf.Tensor4D,
  {scale, offset, runningMean, runningVariance}: BatchNormState,
  epsilon: number,
): tf.Tensor4D {
  checkChannels(x, scale, offset, runningMean, runningVariance);
  return tf.batchNorm4d(
    x,
    runningMean as tf.Tensor1D,
    runningVariance as tf.Tensor1D,
    offset,
    scale,
    epsilon,
  );
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

function gradients(dy: tf.Tensor, saved: tf.Tensor[], attributes: object) {
  const [x, scale, mean, inverseDeviation] = saved;
  const inputs = {dy, x, scale, mean, inverseDeviation};
  const [dx, dScale, dOffset] = runKernelMany(KERNELS.batchNormGradient, inputs, attributes);
  return {x: () => dx, scale: () => dScale, offset: () => dOffset};
}

tf.registerGradient({
  kernelName: KERNELS.batchNorm,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attributes) => gradients((dys as tf.Tensor[])[0], saved, attributes),
});

tf.registerGradient({
  kernelName: KERNELS.batchNormRelu,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [true, true, true],
  gradFunc: (dys, [x, scale, y, mean, inverseDeviation], attributes) => {
    const dSum = runKernel(KERNELS.reluGradient, {dy: (dys as tf.Tensor[])[0], y});
    return {...gradients(dSum, [x, scale, mean, inverseDeviation], attributes), residual: () => dSum};
  },
});
