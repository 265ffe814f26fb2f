/** @file Nearest-neighbour enlargement by a whole factor. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

/**
 * Every cell becomes a block of factor × factor cells.
 * @param x [B, H, W, C]
 * @returns [B, factor·H, factor·W, C]
 */
export function upsampleNearest(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  if (factor === 1) return x;
  if (hasKernel(KERNELS.upsample)) return runKernel(KERNELS.upsample, {x}, {factor});
  // Not resizeNearestNeighbor: its gradient in TensorFlow.js misses cells when the factor is even.
  const [batch, height, width, channels] = x.shape;
  const rows = tf.tile(tf.reshape(x, [batch * height, 1, width * channels]), [1, factor, 1]);
  const cells = tf.tile(tf.reshape(rows, [-1, 1, channels]), [1, factor, 1]);
  return tf.reshape(cells, [batch, height * factor, width * factor, channels]);
}

tf.registerGradient({
  kernelName: KERNELS.upsample,
  gradFunc: (dy, _saved, attributes) => ({
    x: () => runKernel(KERNELS.upsampleGradient, {dy: dy as tf.Tensor}, attributes),
  }),
});
