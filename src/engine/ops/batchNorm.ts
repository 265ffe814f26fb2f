/** @file Batch normalisation over N, H and W (Ioffe & Szegedy 2015, Alg. 1), counting variances as PyTorch does. */
import * as tf from '@tensorflow/tfjs';
import {silu} from './activations.js';
import {noteInPlaceChange} from './inPlace.js';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';
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

/** What follows the normalisation. */
export type Activation = 'none' | 'relu' | 'silu';

const KERNEL_OF = {
  none: KERNELS.batchNorm,
  relu: KERNELS.batchNormRelu,
  silu: KERNELS.batchNormSilu,
} as const;

/**
 * activation(normalised x + residual) in one kernel, which holds one tensor where the steps one by one hold three.
 * Normalises by the batch's mean and biased variance; the running statistics move towards the batch's mean and
 * unbiased variance, in place.
 * @param x [B, H, W, C]
 * @param state each [C]
 * @param residual of x's shape, or null; only before ReLU
 * @throws Error if C differs between the arguments, or the residual does not fit
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  state: BatchNormState,
  options: BatchNormOptions,
  activation: Activation = 'none',
  residual: tf.Tensor4D | null = null,
): tf.Tensor4D {
  const {scale, offset, runningMean, runningVariance} = state;
  checkChannels(x, scale, offset, runningMean, runningVariance);
  checkResidual(x, activation, residual);
  const kernel = KERNEL_OF[activation];
  if (!hasKernel(kernel)) return activate(composed(x, state, options), activation, residual);
  const inputs = residual ? {x, scale, offset, residual} : {x, scale, offset};
  const attributes = {runningMean, runningVariance, ...options, activation, hasResidual: residual !== null};
  const [y] = runKernelMany(kernel, inputs, attributes);
  noteInPlaceChange(runningMean);
  noteInPlaceChange(runningVariance);
  return y as tf.Tensor4D;
}

function checkResidual(x: tf.Tensor4D, activation: Activation, residual: tf.Tensor4D | null): void {
  if (!residual) return;
  if (activation !== 'relu') throw new Error(`batchNorm: a residual goes with relu, not with ${activation}`);
  if (!tf.util.arraysEqual(residual.shape, x.shape))
    throw new Error(`batchNorm: residual [${residual.shape}] does not fit input [${x.shape}]`);
}

/** activation(y + residual), step by step. */
export function activate(
  y: tf.Tensor4D,
  activation: Activation,
  residual: tf.Tensor4D | null = null,
): tf.Tensor4D {
  if (activation === 'silu') return silu(y);
  const sum = residual ? tf.add<tf.Tensor4D>(y, residual) : y;
  return activation === 'relu' ? relu(sum) : sum;
}

function composed(
  x: tf.Tensor4D,
  {scale, offset, runningMean, runningVariance}: BatchNormState,
  {momentum, epsilon}: BatchNormOptions,
): tf.Tensor4D {
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

for (const [activation, kernelName] of Object.entries(KERNEL_OF)) {
  // ReLU's gradient needs its output, SiLU's is worked out from the input again.
  const needsOutput = activation === 'relu';
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x', 'scale', 'offset'],
    outputsToSave: [needsOutput, true, true],
    gradFunc: (dys, saved, attributes) => {
      const [x, scale, offset] = saved;
      const [mean, inverseDeviation] = saved.slice(-2);
      const statistics = {x, scale, offset, mean, inverseDeviation};
      const inputs = {dy: (dys as tf.Tensor[])[0], ...statistics, ...(needsOutput ? {y: saved[3]} : {})};
      const [dx, dScale, dOffset, dResidual] = runKernelMany(KERNELS.batchNormGradient, inputs, attributes);
      return {x: () => dx, scale: () => dScale, offset: () => dOffset, residual: () => dResidual};
    },
  });
}
