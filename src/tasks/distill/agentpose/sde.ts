/**
 * @file The variance-preserving stochastic differential equation dx = −½β(t)x dt + √β(t) dw with a linear β (Song et al.
 * 2021, Eq. 11): what it does to features that start at t = 0 and have unit variance. Times are tensors in [0, 1], [] or
 * [B, 1, 1, 1], so that a network can choose them.
 */
import * as tf from '@tensorflow/tfjs';

const [BETA_MIN, BETA_MAX] = [0.1, 20];

/** Divisors are at least this: towards t = 0 a score has no bound. */
const SMALLEST_DEVIATION = 1e-2;

/** Keeps the derivative of the root finite at t = 0. */
const SMALLEST_VARIANCE = 1e-12;

/** The distribution at a time: N(mean·x₀, deviation²). */
export type Marginal = {
  readonly mean: tf.Tensor;
  readonly deviation: tf.Tensor;
};

/** β(t) = 0.1 + 19.9·t. */
export function beta(t: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(t, BETA_MAX - BETA_MIN), BETA_MIN);
}

/** The drift is this times x. */
export function driftFactor(t: tf.Tensor): tf.Tensor {
  return tf.mul(beta(t), -0.5);
}

export function diffusion(t: tf.Tensor): tf.Tensor {
  return tf.sqrt(beta(t));
}

/** m(t) = −½∫β from 0 to t: the logarithm of the mean's factor. */
function logMean(t: tf.Tensor): tf.Tensor {
  const slope = tf.add(tf.mul(t, -0.25 * (BETA_MAX - BETA_MIN)), -0.5 * BETA_MIN);
  return tf.mul(t, slope);
}

/** mean e^m(t) and deviation √(1 − e^2m(t)). */
export function marginal(t: tf.Tensor): Marginal {
  const logarithm = logMean(t);
  const variance = tf.neg(tf.expm1(tf.mul(logarithm, 2)));
  return {mean: tf.exp(logarithm), deviation: tf.sqrt(tf.maximum(variance, SMALLEST_VARIANCE))};
}

/** The deviation at t, as a divisor. */
export function divisor(t: tf.Tensor): tf.Tensor {
  return tf.maximum(marginal(t).deviation, SMALLEST_DEVIATION);
}

/**
 * The share 1 − e^2(m(t) − m(before)) of the variance at t that came between `before` and t: the βᵢ of a discrete chain
 * with these times (Song et al. 2021, Appendix E), which is below 1 for steps of any length.
 */
export function addedVariance(before: tf.Tensor, t: tf.Tensor): tf.Tensor {
  return tf.neg(tf.expm1(tf.mul(tf.sub(logMean(t), logMean(before)), 2)));
}

/** mean·x + deviation·noise. */
export function perturbed(x: tf.Tensor4D, {mean, deviation}: Marginal, noise: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.add(tf.mul(x, mean), tf.mul(noise, deviation)));
}
