/** @file The loss of a network that is supervised in several places: what is supervised, and how much each counts. */
import * as tf from '@tensorflow/tfjs';
import type {Loss} from '../engine/gradients.js';
import type {PoseLoss} from './create.js';

/** Outputs that a loss compares with the targets. A type and not an interface, so that `tf.tidy` can give it back. */
export type SupervisedOutputs = {
  /** One tensor for each of the codec's targets. */
  readonly outputs: tf.Tensor[];
  /** Factor of their loss. */
  readonly weight: number;
  /** What they are compared with instead of the batch's targets, of the same shapes; constants. */
  readonly targets?: tf.Tensor[];
  /** Of their loss in the log; without one it has no line of its own there. */
  readonly name?: string;
};

/**
 * The sum of the loss over all that is supervised, each times its weight; these products, where they have names.
 * @param supervised at least one
 * @param targets for all that have none of their own, one tensor for each of the codec's
 * @param weights [B, K]
 */
export function supervisedTerms(
  loss: PoseLoss,
  supervised: readonly SupervisedOutputs[],
  targets: readonly tf.Tensor[],
  weights: tf.Tensor2D,
): Loss {
  return tf.tidy(() => {
    const losses = supervised.map(({outputs, weight, targets: own = targets}) => {
      const value = loss(outputs, own, weights);
      return weight === 1 ? value : tf.mul<tf.Scalar>(value, weight);
    });
    const named = supervised.flatMap(({name}, i) => (name ? [[name, losses[i]] as const] : []));
    return {value: losses.length === 1 ? losses[0] : tf.addN(losses), terms: Object.fromEntries(named)};
  });
}

/** Their sum alone, a scalar. */
export function supervisedLoss(...parts: Parameters<typeof supervisedTerms>): tf.Scalar {
  return tf.tidy(() => supervisedTerms(...parts).value);
}
