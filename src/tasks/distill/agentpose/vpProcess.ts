/** @file AgentPose's noise: the variance-preserving SDE forwards on the teacher's features, and backwards from the student's. */
import * as tf from '@tensorflow/tfjs';
import {withoutGradient} from '../../../engine/gradients.js';
import type {TensorDraws} from '../draws.js';
import type {DiffusionProcess, Perturbed, Predict, ReverseState} from './process.js';
import {reverse, type SamplerName} from './samplers.js';
import {marginal, perturbed} from './sde.js';

export interface VpSettings {
  readonly sampler: SamplerName;
  readonly steps: number;
  /** In (0, 1]: the time at which the student's features are held to be; the latest one where an adapter chooses it. */
  readonly start: number;
  /** Whether the student's features get the noise of that time. */
  readonly perturbsStudent: boolean;
}

/** The earliest time that is trained on, and the number of the last one in the denoiser's table. */
const FIRST_TIME = 1e-5;
const LAST_NUMBER = 999;

export class VpProcess implements DiffusionProcess {
  constructor(private readonly settings: VpSettings) {}

  perturb(latent: tf.Tensor4D, draws: TensorDraws): Perturbed {
    const batch = latent.shape[0];
    const drawn = draws.uniform(batch).map((share) => FIRST_TIME + (1 - FIRST_TIME) * share);
    const t = tf.tensor4d(drawn, [batch, 1, 1, 1]);
    const noise = draws.normal(latent.shape);
    return {noisy: perturbed(latent, marginal(t), noise), noise, times: numbersOf(t)};
  }

  denoise(
    latent: tf.Tensor4D,
    share: tf.Tensor4D | null,
    predict: Predict,
    draws: TensorDraws,
  ): ReverseState[] {
    const {sampler, steps, perturbsStudent} = this.settings;
    const start = share ? tf.mul(share, this.settings.start) : tf.scalar(this.settings.start);
    const noisy = perturbsStudent ? perturbed(latent, marginal(start), draws.normal(latent.shape)) : latent;
    return reverse(noisy, {sampler, steps, start}, (x, t) => predict(x, numbersOf(t)), draws);
  }
}

/** The denoiser's numbers of times, int32 [B] or [1]. */
function numbersOf(t: tf.Tensor): tf.Tensor1D {
  return withoutGradient(
    () => tf.cast(tf.round(tf.mul(tf.reshape(t, [-1]), LAST_NUMBER)), 'int32') as tf.Tensor1D,
  );
}
