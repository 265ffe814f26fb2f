/**
 * @file Ways back in time along the variance-preserving SDE, by a network that predicts the noise in x; the score is
 * −noise / deviation. Every step of each is linear: x' = keep·x + remove·predicted + fresh·new noise.
 */
import * as tf from '@tensorflow/tfjs';
import type {TensorDraws} from '../draws.js';
import type {ReverseState} from './process.js';
import {addedVariance, diffusion, divisor, driftFactor, type Marginal, marginal} from './sde.js';

export type StepFactors = {
  readonly keep: tf.Tensor;
  readonly remove: tf.Tensor;
  /** null: the step is deterministic. */
  readonly fresh: tf.Tensor | null;
};

/** The factors of the step from `t` back to `next`. */
type Sampler = (t: tf.Tensor, next: tf.Tensor) => StepFactors;

/** x − (f·x − g²·score)Δ + g√Δ·z, of the reverse-time SDE. */
const eulerMaruyama: Sampler = (t, next) => {
  const [step, g] = [tf.sub(t, next), diffusion(t)];
  return {
    keep: tf.sub(1, tf.mul(driftFactor(t), step)),
    remove: tf.neg(tf.div(tf.mul(tf.square(g), step), divisor(t))),
    fresh: tf.mul(g, tf.sqrt(step)),
  };
};

/** x − (f·x − ½g²·score)Δ, of the ordinary equation with the same marginals. */
const ode: Sampler = (t, next) => {
  const step = tf.sub(t, next);
  const pull = tf.div(tf.mul(tf.square(diffusion(t)), tf.mul(step, 0.5)), divisor(t));
  return {keep: tf.sub(1, tf.mul(driftFactor(t), step)), remove: tf.neg(pull), fresh: null};
};

/** x − (√α·x − x − β·score) + √β·z, which discretises as the forward chain does. */
const reverseDiffusion: Sampler = (t, next) => {
  const variance = addedVariance(next, t);
  return {
    keep: tf.sub(2, tf.sqrt(tf.sub(1, variance))),
    remove: tf.neg(tf.div(variance, divisor(t))),
    fresh: tf.sqrt(variance),
  };
};

/** (x + β·score) / √(1 − β) + √β·z, the ancestral sampling of DDPM (Ho et al. 2020). */
const ancestral: Sampler = (t, next) => {
  const variance = addedVariance(next, t);
  const root = tf.sqrt(tf.sub(1, variance));
  return {
    keep: tf.div(1, root),
    remove: tf.neg(tf.div(variance, tf.mul(divisor(t), root))),
    fresh: tf.sqrt(variance),
  };
};

/**
 * mean'·x̂₀ + deviation'·predicted with x̂₀ = (x − deviation·predicted) / mean (Song et al. 2021, "DDIM", Eq. 12, η = 0).
 */
export function ddimFactors(from: Marginal, to: Marginal): StepFactors {
  const keep = tf.div(to.mean, from.mean);
  return {keep, remove: tf.sub(to.deviation, tf.mul(from.deviation, keep)), fresh: null};
}

const ddim: Sampler = (t, next) => ddimFactors(marginal(t), marginal(next));

export const SAMPLERS = {eulerMaruyama, reverseDiffusion, ancestral, ode, ddim} as const;

export type SamplerName = keyof typeof SAMPLERS;

/** keep·x + remove·predicted. */
export function moved(x: tf.Tensor4D, predicted: tf.Tensor4D, {keep, remove}: StepFactors): tf.Tensor4D {
  return tf.tidy(() => tf.add(tf.mul(x, keep), tf.mul(predicted, remove)));
}

export interface Way {
  readonly sampler: SamplerName;
  readonly steps: number;
  /** Time of the first state, [] or [B, 1, 1, 1]. */
  readonly start: tf.Tensor;
}

/**
 * `steps` equal steps from `start` to time 0. The last leaves its new noise out (Song et al. 2021, Appendix G).
 * @param x at time `start`
 * @param predict the noise in x at a time
 * @returns the states after each of the steps
 */
export function reverse(
  x: tf.Tensor4D,
  {sampler, steps, start}: Way,
  predict: (x: tf.Tensor4D, t: tf.Tensor) => tf.Tensor4D,
  draws: TensorDraws,
): ReverseState[] {
  const states: ReverseState[] = [];
  let latent = x;
  for (let k = 0; k < steps; k++) {
    const [t, next] = [k, k + 1].map((step) => tf.mul(start, 1 - step / steps));
    const factors = SAMPLERS[sampler](t, next);
    const mean = moved(latent, predict(latent, t), factors);
    const isLast = k === steps - 1;
    latent =
      factors.fresh && !isLast ? tf.add(mean, tf.mul(draws.normal(latent.shape), factors.fresh)) : mean;
    states.push({latent, mean: marginal(next).mean});
  }
  return states;
}
