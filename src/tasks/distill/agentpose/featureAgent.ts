/**
 * @file The feature agent: a diffusion model of the teacher's features in a space of few channels, which takes the
 * student's features for noisy ones of the teacher and denoises them (DiffKD, Huang et al. 2023; AgentPose, Zhang et al.
 * 2025). Names of parameters are DiffKD's.
 */
import * as tf from '@tensorflow/tfjs';
import {withoutGradient} from '../../../engine/gradients.js';
import {meanSquare} from '../../../losses/meanSquare.js';
import {BatchNorm2d, Conv2d} from '../../../nn/layers.js';
import {Module} from '../../../nn/module.js';
import {Sequential} from '../../../nn/sequential.js';
import type {TensorDraws} from '../draws.js';
import type {FeatureChannels} from '../method.js';
import {sameSize} from '../sameSize.js';
import {AutoEncoder, Standardizer} from './autoencoder.js';
import {Denoiser} from './denoiser.js';
import {NoiseAdapter} from './noiseAdapter.js';
import type {DiffusionProcess, ReverseState} from './process.js';

export interface AgentSettings {
  /** null: no autoencoder, the agent works on the teacher's channels. */
  readonly latentChannels: number | null;
  /** Whether the noise of the student's features is predicted. */
  readonly adaptsNoise: boolean;
  /** Whether the student's features are normalised in the latent space: else they can outgrow the noise. */
  readonly normalizesStudent: boolean;
  /** Whether the projection of denoised features is normalised; in DiffKD's first code it was not. */
  readonly normalizesProjection: boolean;
}

export interface AgentLosses {
  /** mean((proj(denoised student) − teacher)²): reaches the student, the denoiser, the adapter and the projection. */
  readonly distillation: tf.Scalar;
  /** mean((predicted − noise)²) on the teacher's features: reaches the denoiser. */
  readonly diffusion: tf.Scalar;
  /** Of the teacher's features: reaches the autoencoder, and nothing else does. null without one. */
  readonly reconstruction: tf.Scalar | null;
  /** The mean over the states before the last of mean((proj(state) − mean·teacher)²); null where the first is the last. */
  readonly intermediate: tf.Scalar | null;
  /** Denoised and projected features of the student, [B, H, W, latent channels]. */
  readonly refined: tf.Tensor4D;
}

/** Of these losses, those that do not reach the student. */
export const AGENTS_OWN: readonly (keyof AgentLosses)[] = ['diffusion', 'reconstruction'];

export class FeatureAgent extends Module {
  readonly ae: AutoEncoder | Standardizer;
  readonly trans: Conv2d | Sequential;
  readonly model: Denoiser;
  readonly noise_adapter: NoiseAdapter | null;
  readonly proj: Conv2d | Sequential;
  readonly channels: number;
  readonly #process: DiffusionProcess;

  constructor({student, teacher}: FeatureChannels, process: DiffusionProcess, settings: AgentSettings) {
    super();
    const {latentChannels, adaptsNoise, normalizesStudent, normalizesProjection} = settings;
    const channels = latentChannels ?? teacher;
    this.ae = latentChannels === null ? new Standardizer(teacher) : new AutoEncoder(teacher, channels);
    this.trans = projection(student, channels, normalizesStudent);
    this.model = new Denoiser(channels);
    this.noise_adapter = adaptsNoise ? new NoiseAdapter(channels) : null;
    this.proj = projection(channels, channels, normalizesProjection);
    this.channels = channels;
    this.#process = process;
  }

  /**
   * All losses of a step.
   * @param teacher [B, H, W, teacher's channels], a constant
   * @param student [B, h, w, student's channels]; resized to the teacher's grid
   * @param withIntermediate whether the states before the last are compared, too
   */
  losses(
    teacher: tf.Tensor4D,
    student: tf.Tensor4D,
    draws: TensorDraws,
    withIntermediate = false,
  ): AgentLosses {
    const encoded = this.ae.forward(teacher);
    const target = withoutGradient(() => tf.clone(encoded));
    const states = this.denoised(sameSize(student, teacher), draws);
    const refined = this.proj.forward(states[states.length - 1].latent);
    return {
      distillation: meanSquare(tf.sub(refined, target)),
      diffusion: this.#diffusionLoss(target, draws),
      reconstruction: this.#reconstructionLoss(encoded, teacher),
      intermediate: withIntermediate ? this.#intermediateLoss(states.slice(0, -1), target) : null,
      refined,
    };
  }

  /** The student's features in the latent space after each of the steps back; the last are noiseless. */
  denoised(student: tf.Tensor4D, draws: TensorDraws): ReverseState[] {
    const latent = this.trans.forward(student);
    const share = this.noise_adapter?.forward(latent) ?? null;
    return this.#process.denoise(latent, share, (x, times) => this.model.forward(x, times), draws);
  }

  /** Denoised and projected features of the student, [B, H, W, latent channels]. */
  refine(student: tf.Tensor4D, draws: TensorDraws): tf.Tensor4D {
    return tf.tidy(() => this.proj.forward(this.denoised(student, draws).at(-1)!.latent));
  }

  #diffusionLoss(target: tf.Tensor4D, draws: TensorDraws): tf.Scalar {
    const {noisy, noise, times} = this.#process.perturb(target, draws);
    return meanSquare(tf.sub(this.model.forward(noisy, times), noise));
  }

  #reconstructionLoss(encoded: tf.Tensor4D, teacher: tf.Tensor4D): tf.Scalar | null {
    if (!(this.ae instanceof AutoEncoder)) return null;
    return meanSquare(tf.sub(this.ae.decoder.forward(encoded), teacher));
  }

  #intermediateLoss(states: readonly ReverseState[], target: tf.Tensor4D): tf.Scalar | null {
    if (states.length === 0) return null;
    const losses = states.map(({latent, mean}) =>
      meanSquare(tf.sub(this.proj.forward(latent), tf.mul(target, mean))),
    );
    return tf.div(tf.addN(losses), losses.length);
  }
}

function projection(from: number, to: number, isNormalized: boolean): Conv2d | Sequential {
  const convolution = new Conv2d(from, to, 1);
  return isNormalized ? new Sequential(convolution, new BatchNorm2d(to)) : convolution;
}
