/** @file Layer normalisation over the last axis (Ba et al. 2016, eq. 3–4). */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

/**
 * Normalises every vector of C values by its own mean and biased variance.
 * @param x [..., C]
 * @param scale, offset [C]
 * @throws Error if C differs between the arguments
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  epsilon = 1e-5,
): T {
  const channels = x.shape.at(-1);
  if (scale.size !== channels || offset.size !== channels) {
    throw new Error(
      `layerNorm: input [${x.shape}] does not fit scale [${scale.shape}], offset [${offset.shape}]`,
    );
  }
  if (hasKernel(KERNELS.layerNorm)) {
    const [y, ...statistics] = runKernelMany(KERNELS.layerNorm, {x, scale, offset}, {epsilon});
    tf.dispose(statistics);
    return y as T;
  }
  const {mean, variance} = tf.moments(x, -1, true);
  const normalized = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normalized, scale), offset) as T;
}

tf.registerGradient({
  kernelName: KERNELS.layerNorm,
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, [x, scale, mean, inverseDeviation]) => {
    const inputs = {dy: (dys as tf.Tensor[])[0], x, scale, mean, inverseDeviation};
    const [dx, dScale, dOffset] = runKernelMany(KERNELS.layerNormGradient, inputs);
    return {x: () => dx, scale: () => dScale, offset: () => dOffset};
  },
});
