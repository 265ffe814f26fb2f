/** @file HRNet's loss on heatmaps, its JointsMSELoss with target weights. */
import * as tf from '@tensorflow/tfjs';

/**
 * ½·mean((w·p − w·t)²) of each keypoint over batch and cells, averaged over the keypoints.
 * @param predictions, targets [B, H, W, K]
 * @param weights [B, K]
 * @returns a scalar
 */
export function heatmapMse(predictions: tf.Tensor4D, targets: tf.Tensor4D, weights: tf.Tensor2D): tf.Scalar {
  const [batch, keypoints] = weights.shape;
  return tf.tidy(() => {
    const weighted = tf.mul(tf.sub(predictions, targets), tf.reshape(weights, [batch, 1, 1, keypoints]));
    return tf.mul<tf.Scalar>(tf.mean(tf.square(weighted)), 0.5);
  });
}
