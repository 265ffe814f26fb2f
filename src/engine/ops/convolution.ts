/** @file Two-dimensional convolution with bias, groups and dilation, as PyTorch's `conv2d` counts its padding. */
import * as tf from '@tensorflow/tfjs';
import {type Activation, activate, type BatchNormState, batchNormInference} from './batchNorm.js';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

export interface ConvolutionOptions {
  readonly stride: number;
  /** Cells of zeros added on each side. */
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

/**
 * @param x [B, H, W, C]
 * @param weight [kernel height, kernel width, C / groups, outputs]
 * @param bias [outputs] or null
 * @returns [B, H', W', outputs] with H' = floor((H + 2·padding − dilation·(k − 1) − 1) / stride) + 1
 * @throws Error if the channels of `x` and `weight` differ
 */
export function convolution(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  options: ConvolutionOptions,
): tf.Tensor4D {
  checkChannels(x, weight, options);
  if (hasKernel(KERNELS.convolution)) {
    return runKernel(KERNELS.convolution, bias ? {x, weight, bias} : {x, weight}, options);
  }
  const y = isDepthwise(x, options)
    ? depthwise(x, weight, options)
    : inGroups(x, weight, options.groups, (part, share) => plain(part, share, options));
  return bias ? tf.add(y, bias) : y;
}

/** Whether every channel is a group, in the form that TensorFlow.js has a kernel for. */
function isDepthwise(x: tf.Tensor4D, {groups, dilation}: ConvolutionOptions): boolean {
  return groups > 1 && groups === x.shape[3] && dilation === 1;
}

function depthwise(x: tf.Tensor4D, weight: tf.Tensor4D, {stride, padding}: ConvolutionOptions): tf.Tensor4D {
  const [height, width, , outputs] = weight.shape;
  const channels = x.shape[3];
  const filter = tf.reshape(weight, [height, width, channels, outputs / channels]) as tf.Tensor4D;
  return tf.depthwiseConv2d(x, filter, stride, padding, 'NHWC', 1, 'floor');
}

/** What follows a convolution in evaluation. */
export interface Normalization {
  readonly state: BatchNormState;
  readonly epsilon: number;
  readonly activation: Activation;
  /** Of the output's shape, or null; goes with ReLU. */
  readonly residual: tf.Tensor4D | null;
}

/**
 * activation(convolution normalised by the running statistics + residual), where no gradient is wanted: what follows
 * the convolution happens in its own output's memory.
 * Arguments as for `convolution` and `batchNormInference`.
 */
export function convolutionNormalized(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  options: ConvolutionOptions,
  {state, epsilon, activation, residual}: Normalization,
): tf.Tensor4D {
  if (!hasKernel(KERNELS.convolutionNormalized)) {
    const y = batchNormInference(convolution(x, weight, bias, options), state, epsilon);
    return activate(y, activation, residual);
  }
  checkChannels(x, weight, options);
  const {scale, offset, runningMean: mean, runningVariance: variance} = state;
  const inputs = {x, weight, scale, offset, mean, variance, ...(bias && {bias}), ...(residual && {residual})};
  return runKernel(KERNELS.convolutionNormalized, inputs, {...options, epsilon, activation});
}

function checkChannels(x: tf.Tensor4D, weight: tf.Tensor4D, {groups}: ConvolutionOptions): void {
  if (x.shape[3] === weight.shape[2] * groups) return;
  throw new Error(`convolution: input [${x.shape}] does not fit weight [${weight.shape}], groups ${groups}`);
}

function plain(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  {stride, padding, dilation}: ConvolutionOptions,
): tf.Tensor4D {
  if (dilation === 1) return tf.conv2d(x, weight, stride, padding, 'NHWC', 1, 'floor');
  const pad: [number, number] = [padding, padding];
  const padded = padding > 0 ? (tf.pad4d(x, [[0, 0], pad, pad, [0, 0]]) as tf.Tensor4D) : x;
  const y = tf.conv2d<tf.Tensor4D>(padded, weight, 1, 'valid', 'NHWC', dilation);
  // TensorFlow.js refuses stride and dilation together; the strided result is a subsample of the dense one.
  if (stride === 1) return y;
  return tf.stridedSlice(y, [0, 0, 0, 0], y.shape, [1, stride, stride, 1]) as tf.Tensor4D;
}

/** Applies `convolve` to each group of the channels of `x` with its share of the outputs of `weight`. */
export function inGroups(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  groups: number,
  convolve: (x: tf.Tensor4D, weight: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  if (groups === 1) return convolve(x, weight);
  const weights = tf.split<tf.Tensor4D>(weight, groups, 3);
  const parts = tf.split<tf.Tensor4D>(x, groups, 3).map((part, group) => convolve(part, weights[group]));
  return tf.concat(parts, 3);
}

tf.registerGradient({
  kernelName: KERNELS.convolution,
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, saved, attributes) => {
    const [x, weight] = saved as tf.Tensor4D[];
    return {
      x: () => runKernel(KERNELS.convolutionInputGradient, {dy: dy as tf.Tensor, x, weight}, attributes),
      weight: () =>
        runKernel(KERNELS.convolutionWeightGradient, {dy: dy as tf.Tensor, x, weight}, attributes),
      bias: () => tf.sum(dy as tf.Tensor4D, [0, 1, 2]),
    };
  },
});
