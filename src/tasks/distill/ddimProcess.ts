/** @file DiffKD's noise: the chain of DDPM (Ho et al. 2020) with a linear β over 1000 steps, and a few steps of DDIM back. */
import * as tf from '@tensorflow/tfjs';
import type {DiffusionProcess, Perturbed, Predict, ReverseState} from './agentpose/process.js';
import {ddimFactors, moved} from './agentpose/samplers.js';
import {type Marginal, perturbed} from './agentpose/sde.js';
import type {TensorDraws} from './draws.js';

const STEPS = 1000;
const [FIRST_BETA, LAST_BETA] = [1e-4, 0.02];

/** ᾱᵢ = Π(1 − β) up to i: the share of the signal in the variance after step i. */
export const SIGNAL_SHARES: readonly number[] = cumulativeProduct(
  Array.from({length: STEPS}, (_, i) => 1 - FIRST_BETA - ((LAST_BETA - FIRST_BETA) * i) / (STEPS - 1)),
);

function cumulativeProduct(factors: readonly number[]): number[] {
  let product = 1;
  return factors.map((factor) => {
    product *= factor;
    return product;
  });
}

/** Before the first step there is no noise. */
function shareAfter(step: number): number {
  return step < 0 ? 1 : SIGNAL_SHARES[step];
}

/** √ᾱ and √(1 − ᾱ), [] or [B, 1, 1, 1]. */
function marginalOf(shares: tf.Tensor): Marginal {
  return {mean: tf.sqrt(shares), deviation: tf.sqrt(tf.sub(1, shares))};
}

export class DdimProcess implements DiffusionProcess {
  /** @param steps on the way back, which begins in the middle of the chain: 5 are 400, 300, 200, 100 and 0 */
  constructor(private readonly steps: number) {}

  perturb(latent: tf.Tensor4D, draws: TensorDraws): Perturbed {
    const batch = latent.shape[0];
    const times = draws.uniform(batch).map((share) => Math.floor(share * STEPS));
    const shares = tf.tensor4d(times.map(shareAfter), [batch, 1, 1, 1]);
    const noise = draws.normal(latent.shape);
    return {
      noisy: perturbed(latent, marginalOf(shares), noise),
      noise,
      times: tf.tensor1d(times, 'int32'),
    };
  }

  /** The student's features and noise are mixed linearly, by the share that the adapter predicts. */
  denoise(
    latent: tf.Tensor4D,
    share: tf.Tensor4D | null,
    predict: Predict,
    draws: TensorDraws,
  ): ReverseState[] {
    if (!share) throw new Error('DiffKD mixes noise by the share of a noise adapter');
    const stride = Math.floor(STEPS / (2 * this.steps));
    const states: ReverseState[] = [];
    let x = mixed(latent, share, draws.normal(latent.shape));
    for (let k = this.steps - 1; k >= 0; k--) {
      const step = k * stride;
      const [from, to] = [step, step - stride].map((at) => marginalOf(tf.scalar(shareAfter(at))));
      x = moved(x, predict(x, tf.tensor1d([step], 'int32')), ddimFactors(from, to));
      states.push({latent: x, mean: to.mean});
    }
    return states;
  }
}

/** share·latent + (1 − share)·noise. */
function mixed(latent: tf.Tensor4D, share: tf.Tensor4D, noise: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.add(noise, tf.mul(share, tf.sub(latent, noise))));
}
