/** @file HRNet's losses on heatmaps: JointsMSELoss and JointsOHKMMSELoss, with target weights. */
import * as tf from '@tensorflow/tfjs';
import {withoutGradient} from '../engine/gradients.js';
import {meanSquare} from './meanSquare.js';

/**
 * ½·mean((w·p − w·t)²) of each keypoint over batch and cells, averaged over the keypoints.
 * @param predictions, targets [B, H, W, K]
 * @param weights [B, K]
 * @returns a scalar
 */
export function heatmapMse(predictions: tf.Tensor4D, targets: tf.Tensor4D, weights: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => tf.mul<tf.Scalar>(meanSquare(weightedErrors(predictions, targets, weights)), 0.5));
}

/**
 * Online hard keypoint mining (CPN, Chen et al. 2018, section 3.3): ½·mean((w·p − w·t)²) over the cells, averaged over
 * the keypoints of each person for which it is the greatest.
 * @param predictions, targets [B, H, W, K]
 * @param weights [B, K]
 * @param count of keypoints that count; at most all do
 * @returns a scalar
 */
export function hardHeatmapMse(
  predictions: tf.Tensor4D,
  targets: tf.Tensor4D,
  weights: tf.Tensor2D,
  count: number,
): tf.Scalar {
  const [batch, keypoints] = weights.shape;
  const hard = Math.min(count, keypoints);
  return tf.tidy(() => {
    const errors = weightedErrors(predictions, targets, weights);
    const losses = tf.mean(tf.square(errors), [1, 2]);
    // Which they are has no gradient.
    const chosen = withoutGradient(() => {
      const {indices} = tf.topk(losses, hard);
      return tf.sum(tf.oneHot(indices as tf.Tensor2D, keypoints, 1, 0, 'float32'), 1);
    });
    return tf.mul<tf.Scalar>(tf.sum(tf.mul(losses, chosen)), 0.5 / (hard * batch));
  });
}

/** w·(p − t), [B, H, W, K] */
function weightedErrors(predictions: tf.Tensor4D, targets: tf.Tensor4D, weights: tf.Tensor2D): tf.Tensor {
  const [batch, keypoints] = weights.shape;
  return tf.mul(tf.sub(predictions, targets), tf.reshape(weights, [batch, 1, 1, keypoints]));
}
