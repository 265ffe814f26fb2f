/** @file The mean of squares. Its gradient is one pass: TensorFlow.js's own writes ones, and scales them three times. */
import * as tf from '@tensorflow/tfjs';

const operation = tf.customGrad((...args) => {
  const [x, save] = args as unknown as [tf.Tensor, (tensors: tf.Tensor[]) => void];
  const value = tf.mean(tf.square(x));
  // Last: what is saved would stay behind if the value failed.
  save([x]);
  return {
    value,
    gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(saved, tf.mul(dy, 2 / saved.size)),
  };
});

/**
 * mean(x²) over all elements.
 * @param x errors, of any shape
 */
export function meanSquare(x: tf.Tensor): tf.Scalar {
  return operation(x) as tf.Scalar;
}
