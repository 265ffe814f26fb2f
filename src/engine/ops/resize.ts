/** @file Resizing to any size, with positions as PyTorch's `interpolate` counts them. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';
import {resample, type Share} from './resample.js';

export interface ResizeBilinearOptions {
  /** Whether the centres of the corner cells meet (true) or the edges of the image do (false). */
  readonly alignCorners?: boolean;
}

/**
 * Every cell mixes the four nearest of the input. Shrinking does not average over more of them.
 * @param x [B, H, W, C]
 * @param size [H', W']
 * @returns [B, H', W', C]
 * @throws Error if a size is not a positive whole number
 */
export function resizeBilinear(
  x: tf.Tensor4D,
  size: readonly [number, number],
  {alignCorners = false}: ResizeBilinearOptions = {},
): tf.Tensor4D {
  checkSize('resizeBilinear', x, size);
  if (hasKernel(KERNELS.resizeBilinear))
    return runKernel(KERNELS.resizeBilinear, {x}, {inputShape: x.shape, size, alignCorners});
  return resample(x, size, (inputs, outputs) => (output) => mixed(output, inputs, outputs, alignCorners));
}

/**
 * Every cell takes the value of input cell ⌊i · H / H'⌋, ⌊j · W / W'⌋.
 * @param x [B, H, W, C]
 * @param size [H', W']
 * @returns [B, H', W', C]
 * @throws Error if a size is not a positive whole number
 */
export function resizeNearest(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  checkSize('resizeNearest', x, size);
  if (hasKernel(KERNELS.resizeNearest))
    return runKernel(KERNELS.resizeNearest, {x}, {inputShape: x.shape, size});
  return resample(x, size, (inputs, outputs) => (output) => [[nearest(output, inputs, outputs), 1]]);
}

function checkSize(name: string, x: tf.Tensor4D, size: readonly [number, number]): void {
  if (!size.every((cells) => Number.isInteger(cells) && cells > 0))
    throw new Error(`${name}: cannot resize input [${x.shape}] to [${size}]`);
}

function mixed(output: number, inputs: number, outputs: number, alignCorners: boolean): Share[] {
  const position = alignCorners
    ? output * (outputs > 1 ? (inputs - 1) / (outputs - 1) : 0)
    : Math.max(((output + 0.5) * inputs) / outputs - 0.5, 0);
  const first = Math.min(Math.floor(position), inputs - 1);
  const second = Math.min(first + 1, inputs - 1);
  const weight = position - first;
  return [
    [first, 1 - weight],
    [second, weight],
  ];
}

/** In single precision, as PyTorch computes it: the last digit decides where the quotient is nearly whole. */
function nearest(output: number, inputs: number, outputs: number): number {
  const scale = Math.fround(inputs / outputs);
  return Math.min(Math.floor(Math.fround(output * scale)), inputs - 1);
}

for (const [kernelName, gradient] of [
  [KERNELS.resizeBilinear, KERNELS.resizeBilinearGradient],
  [KERNELS.resizeNearest, KERNELS.resizeNearestGradient],
] as const) {
  tf.registerGradient({
    kernelName,
    gradFunc: (dy, _saved, attributes) => ({
      x: () => runKernel(gradient, {dy: dy as tf.Tensor}, attributes),
    }),
  });
}
