/** @file Features of two networks on one grid. */
import type * as tf from '@tensorflow/tfjs';
import {resizeBilinear} from '../../engine/ops/resize.js';

/** `features` on the grid of `other`: themselves if it is theirs. */
export function sameSize(features: tf.Tensor4D, other: tf.Tensor4D): tf.Tensor4D {
  const [, height, width] = other.shape;
  if (features.shape[1] === height && features.shape[2] === width) return features;
  return resizeBilinear(features, [height, width]);
}
