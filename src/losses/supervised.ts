/** @file The loss of a network that is supervised in several places: what is supervised, and how much each counts. */
import * as tf from '@tensorflow/tfjs';
import type {PoseLoss} from './create.js';

/** Outputs that a loss compares with the targets. A type and not an interface, so that `tf.tidy` can give it back. */
export type SupervisedOutputs = {
  /** One tensor for each of the codec's targets. */
  readonly outputs: tf.Tensor[];
  /** Factor of their loss. */
  readonly weight: number;
  /** What they are compared with instead of the batch's targets, of the same shapes; constants. */
  readonly targets?: tf.Tensor[];
};

/**
 * The sum of the loss over all that is supervised, each times its weight.
 * @param supervised at least one
 * @param targets for all that have none of their own, one tensor for each of the codec's
 * @param weights [B, K]
 * @returns a scalar
 */
export function supervisedLoss(
  loss: PoseLoss,
  supervised: readonly SupervisedOutputs[],
  targets: readonly tf.Tensor[],
  weights: tf.Tensor2D,
): tf.Scalar {
  return tf.tidy(() => {
    const losses = supervised.map(({outputs, weight, targets: own = targets}) => {
      const value = loss(outputs, own, weights);
      return weight === 1 ? value : tf.mul<tf.Scalar>(value, weight);
    });
    return losses.length === 1 ? losses[0] : tf.addN(losses);
  });
}
