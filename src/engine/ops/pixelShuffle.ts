/** @file Channels to cells and back (Shi et al. 2016, eq. 4), with the channels in PyTorch's order. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

/**
 * Every cell becomes a block of factor × factor cells: channel c·factor² + i·factor + j becomes channel c of the block's
 * cell in row i, column j. TensorFlow.js's `depthToSpace` has the channels in another order.
 * @param x [B, H, W, C·factor²]
 * @returns [B, factor·H, factor·W, C]
 * @throws Error if factor² does not divide the channels
 */
export function pixelShuffle(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (!Number.isInteger(factor) || factor < 1 || channels % factor ** 2 !== 0)
    throw new Error(`pixelShuffle: input [${x.shape}] does not fit factor ${factor}`);
  if (factor === 1) return x;
  if (hasKernel(KERNELS.pixelShuffle)) return runKernel(KERNELS.pixelShuffle, {x}, {factor});
  const outputs = channels / factor ** 2;
  const blocks = tf.reshape(x, [batch, height, width, outputs, factor, factor]);
  const cells = tf.transpose(blocks, [0, 1, 4, 2, 5, 3]);
  return tf.reshape(cells, [batch, height * factor, width * factor, outputs]);
}

/**
 * The inverse of `pixelShuffle`.
 * @param x [B, factor·H, factor·W, C]
 * @returns [B, H, W, C·factor²]
 * @throws Error if factor does not divide height and width
 */
export function pixelUnshuffle(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (!Number.isInteger(factor) || factor < 1 || height % factor !== 0 || width % factor !== 0)
    throw new Error(`pixelUnshuffle: input [${x.shape}] does not fit factor ${factor}`);
  if (factor === 1) return x;
  if (hasKernel(KERNELS.pixelUnshuffle)) return runKernel(KERNELS.pixelUnshuffle, {x}, {factor});
  const [rows, columns] = [height / factor, width / factor];
  const blocks = tf.reshape(x, [batch, rows, factor, columns, factor, channels]);
  const cells = tf.transpose(blocks, [0, 1, 3, 5, 2, 4]);
  return tf.reshape(cells, [batch, rows, columns, channels * factor ** 2]);
}

for (const [kernelName, inverse] of [
  [KERNELS.pixelShuffle, KERNELS.pixelUnshuffle],
  [KERNELS.pixelUnshuffle, KERNELS.pixelShuffle],
] as const) {
  tf.registerGradient({
    kernelName,
    gradFunc: (dy, _saved, attributes) => ({
      x: () => runKernel(inverse, {x: dy as tf.Tensor}, attributes),
    }),
  });
}
