/** @file Where the gradient stops. */
import * as tf from '@tensorflow/tfjs';

/** `x` as a constant: no gradient flows through it. */
export function detached<T extends tf.Tensor>(x: T): T {
  // A recorded step without inputs: nothing depends on what `x` was made of.
  return tf.customGrad(() => ({value: tf.clone(x), gradFunc: () => []}))() as T;
}
