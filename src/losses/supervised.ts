/** @file The loss of a network that gives several heatmaps in training: what is supervised, and how much each counts. */
import * as tf from '@tensorflow/tfjs';
import {heatmapMse} from './heatmapMse.js';

/** Heatmaps that a loss compares with the targets. A type and not an interface, so that `tf.tidy` can give it back. */
export type SupervisedHeatmaps = {
  /** [B, h, w, K] */
  readonly heatmaps: tf.Tensor4D;
  /** Factor of their loss. */
  readonly weight: number;
  /** What they are compared with instead of the batch's targets, [B, h, w, K]; a constant. */
  readonly targets?: tf.Tensor4D;
};

/**
 * The sum of `heatmapMse` over all that is supervised, each times its weight.
 * @param outputs at least one
 * @param targets [B, h, w, K], for all that have none of their own
 * @param weights [B, K]
 * @returns a scalar
 */
export function supervisedMse(
  outputs: readonly SupervisedHeatmaps[],
  targets: tf.Tensor4D,
  weights: tf.Tensor2D,
): tf.Scalar {
  return tf.tidy(() => {
    const losses = outputs.map(({heatmaps, weight, targets: own = targets}) => {
      const loss = heatmapMse(heatmaps, own, weights);
      return weight === 1 ? loss : tf.mul<tf.Scalar>(loss, weight);
    });
    return losses.length === 1 ? losses[0] : tf.addN(losses);
  });
}
