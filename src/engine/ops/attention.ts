/** @file Scaled dot-product attention (Vaswani et al. 2017, eq. 1). */
import * as tf from '@tensorflow/tfjs';
import {softmax} from './softmax.js';

/**
 * softmax(q·kᵀ / √D)·v for every head. Two matrix products and a fused softmax: libtorch 1.13 has no public operator
 * for the whole.
 * @param q [B, heads, N, D]
 * @param k [B, heads, M, D]
 * @param v [B, heads, M, D']
 * @returns [B, heads, N, D']
 * @throws Error if the shapes do not fit together
 */
export function scaledDotProductAttention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor4D {
  const [batch, heads, , depth] = q.shape;
  const fits =
    [k, v].every(({shape}) => shape[0] === batch && shape[1] === heads) &&
    k.shape[2] === v.shape[2] &&
    k.shape[3] === depth;
  if (!fits) {
    throw new Error(
      `scaledDotProductAttention: q [${q.shape}], k [${k.shape}] and v [${v.shape}] do not fit together`,
    );
  }
  // The scores are the largest tensor by far, and no gradient needs them.
  return tf.tidy(() => {
    const scores = tf.matMul(tf.mul(q, 1 / Math.sqrt(depth)), k, false, true);
    return tf.matMul(softmax(scores), v) as tf.Tensor4D;
  });
}
