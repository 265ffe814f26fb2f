/** @file Two-dimensional transposed convolution, as PyTorch's `conv_transpose2d` counts its padding. */
import * as tf from '@tensorflow/tfjs';
import {inGroups} from './convolution.js';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

export interface TransposedConvolutionOptions {
  readonly stride: number;
  /** Cells cut off on each side of the output. */
  readonly padding: number;
  /** Cells more at the output's bottom and right; less than the stride. */
  readonly outputPadding: number;
  readonly groups: number;
}

/**
 * The gradient of a convolution by its input, taken as a layer.
 * @param x [B, H, W, C]
 * @param weight [kernel height, kernel width, outputs / groups, C]; PyTorch's IOHW weights transposed by [2, 3, 1, 0]
 * @param bias [outputs] or null
 * @returns [B, H', W', outputs] with H' = (H − 1)·stride − 2·padding + kernel height + outputPadding
 * @throws Error if the channels of `x` and `weight` differ, or if `outputPadding` is not less than `stride`
 */
export function transposedConvolution(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  options: TransposedConvolutionOptions,
): tf.Tensor4D {
  const {stride, outputPadding, groups} = options;
  if (x.shape[3] !== weight.shape[3] || x.shape[3] % groups !== 0) {
    throw new Error(
      `transposedConvolution: input [${x.shape}] does not fit weight [${weight.shape}], groups ${groups}`,
    );
  }
  if (outputPadding >= stride) {
    throw new Error(
      `transposedConvolution: outputPadding ${outputPadding} must be less than stride ${stride}, for input [${x.shape}]`,
    );
  }
  if (hasKernel(KERNELS.transposedConvolution))
    return runKernel(KERNELS.transposedConvolution, bias ? {x, weight, bias} : {x, weight}, options);
  const y = inGroups(x, weight, groups, (part, share) => plain(part, share, options));
  return bias ? tf.add(y, bias) : y;
}

/** Rows or columns of the output. */
export function transposedSize(
  input: number,
  kernel: number,
  {stride, padding, outputPadding}: TransposedConvolutionOptions,
): number {
  return (input - 1) * stride - 2 * padding + kernel + outputPadding;
}

function plain(x: tf.Tensor4D, weight: tf.Tensor4D, options: TransposedConvolutionOptions): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const [kernelHeight, kernelWidth, outputs] = weight.shape;
  const [rows, columns] = [
    transposedSize(height, kernelHeight, options),
    transposedSize(width, kernelWidth, options),
  ];
  const {stride, padding} = options;
  const whole: [number, number, number, number] = [batch, rows + 2 * padding, columns + 2 * padding, outputs];
  const y = tf.conv2dTranspose<tf.Tensor4D>(x, weight, whole, stride, 'valid');
  return padding === 0 ? y : tf.slice4d(y, [0, padding, padding, 0], [batch, rows, columns, outputs]);
}

tf.registerGradient({
  kernelName: KERNELS.transposedConvolution,
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, saved, attributes) => {
    const [x, weight] = saved as tf.Tensor4D[];
    const inputs = {dy: dy as tf.Tensor, x, weight};
    return {
      x: () => runKernel(KERNELS.transposedConvolutionInputGradient, inputs, attributes),
      weight: () => runKernel(KERNELS.transposedConvolutionWeightGradient, inputs, attributes),
      bias: () => tf.sum(dy as tf.Tensor4D, [0, 1, 2]),
    };
  },
});
