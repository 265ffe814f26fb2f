/** @file RTMPose's loss on SimCC's bins, MMPose's KLDiscretLoss with target weights. */
import * as tf from '@tensorflow/tfjs';
import {logSoftmax} from '../engine/ops/softmax.js';

export interface SimccKlOptions {
  /** Factor of the outputs before their softmax: an inverse temperature. */
  readonly beta: number;
  /** The same for the labels; null: they are distributions already. */
  readonly labelBeta: number | null;
}

/** Below it, t·log t is nothing. */
const SMALLEST = 1e-30;

/**
 * For each axis w·mean over bins of t·(log t − log p), with p = softmax(β·output) and t = softmax(β′·label) or the label
 * itself; summed over axes and batch, and divided by the number of keypoints, as published: not by the batch.
 * @param outputs [B, K, bins] for each axis
 * @param targets of the same shapes
 * @param weights [B, K]
 * @returns a scalar
 */
export function simccKl(
  outputs: readonly tf.Tensor[],
  targets: readonly tf.Tensor[],
  weights: tf.Tensor2D,
  {beta, labelBeta}: SimccKlOptions,
): tf.Scalar {
  const keypoints = weights.shape[1];
  return tf.tidy(() => {
    const axes = outputs.map((output, i) => {
      const logP = logSoftmax(beta === 1 ? output : tf.mul(output, beta));
      const {t, logT} = distribution(targets[i], labelBeta);
      const divergence = tf.mean(tf.mul(t, tf.sub(logT, logP)), -1);
      return tf.sum(tf.mul(divergence, weights));
    });
    return tf.div<tf.Scalar>(tf.addN(axes), keypoints);
  });
}

function distribution(labels: tf.Tensor, labelBeta: number | null): {t: tf.Tensor; logT: tf.Tensor} {
  if (labelBeta === null) return {t: labels, logT: tf.log(tf.maximum(labels, SMALLEST))};
  const logT = logSoftmax(tf.mul(labels, labelBeta));
  return {t: tf.exp(logT), logT};
}
