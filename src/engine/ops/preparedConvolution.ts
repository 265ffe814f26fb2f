/**
 * @file Convolutions of a network that is only evaluated from now on: batch normalisation folded into the weights (Jacob
 * et al. 2018, Sect. 3.2), and the weights in the layout in which the processor's kernels read them.
 */
import * as tf from '@tensorflow/tfjs';
import type {Activation} from './batchNorm.js';
import type {ConvolutionOptions, Normalization} from './convolution.js';
import {hasKernel, KERNELS, runKernel, runKernelMany} from './kernels.js';

/** A convolution with what follows it. */
export interface PreparedConvolution {
  /** For the backend alone: it holds the weights, and has no values to read. */
  readonly weights: tf.Tensor;
  /** What of the activation is not done with the convolution itself. */
  readonly remaining: Activation;
}

/**
 * Prepares a convolution for inputs of about the shape of `x`, in the precision in force; the result outlives the scope, and its `weights` are
 * the caller's to dispose. Arguments as for `convolutionNormalized`; the residual only says that there will be one.
 * @returns null where the backend or the processor has no such thing
 */
export function prepareConvolution(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  options: ConvolutionOptions,
  {state, epsilon, activation, residual}: Normalization,
): PreparedConvolution | null {
  if (!hasKernel(KERNELS.prepareConvolution)) return null;
  const {scale, offset, runningMean: mean, runningVariance: variance} = state;
  const inputs = {weight, scale, offset, mean, variance, ...(bias && {bias})};
  const isRelu = activation === 'relu' && residual === null;
  const attributes = {...options, epsilon, relu: isRelu, inputShape: x.shape};
  const [weights] = runKernelMany(KERNELS.prepareConvolution, inputs, attributes);
  return weights ? {weights: tf.keep(weights), remaining: isRelu ? 'none' : activation} : null;
}

/**
 * activation(normalised convolution of x + residual), without a gradient.
 * @param x [B, H, W, C]; the size may differ from that for which it was prepared
 * @param residual of the output's shape, or null; the same as when it was prepared
 */
export function preparedConvolution(
  x: tf.Tensor4D,
  {weights, remaining}: PreparedConvolution,
  residual: tf.Tensor4D | null,
): tf.Tensor4D {
  const inputs = {x, weights, ...(residual && {residual})};
  return runKernel(KERNELS.preparedConvolution, inputs, {activation: remaining});
}
