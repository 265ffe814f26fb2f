/**
 * @file AgentPose (Zhang et al. 2025) as a method: the agent's losses, and the way by which its features reach the
 * student's head, so that it can take part in inference.
 */
import * as tf from '@tensorflow/tfjs';
import {Conv2d} from '../../../nn/layers.js';
import type {TensorDraws} from '../draws.js';
import {type Distilled, DistillMethod, type DistillStep, type FeatureChannels, weighted} from '../method.js';
import {sameSize} from '../sameSize.js';
import {AGENTS_OWN, FeatureAgent} from './featureAgent.js';
import {VpProcess, type VpSettings} from './vpProcess.js';

export interface AgentPoseSettings extends VpSettings {
  /** null: no autoencoder. */
  readonly latentChannels: number | null;
  /** Whether the start time is predicted for each image. */
  readonly learnsStart: boolean;
  /** Whether the student's features have unit variance before they get their noise. */
  readonly normalizesStudent: boolean;
  /** Whether the agent takes part in inference: then the head learns from its features, too. */
  readonly refines: boolean;
  readonly weights: {
    readonly distillation: number;
    readonly diffusion: number;
    readonly reconstruction: number;
    /** Of the states before the last; 0: they are not looked at. */
    readonly intermediate: number;
    /** Of the task's loss on refined features. */
    readonly refined: number;
  };
}

export class AgentPose extends DistillMethod {
  readonly agent: FeatureAgent;
  /** From the latent space to what is added to the student's features; null if the agent is for training alone. */
  readonly back: Conv2d | null;
  readonly #settings: AgentPoseSettings;

  constructor(channels: FeatureChannels, settings: AgentPoseSettings) {
    super();
    const {latentChannels, learnsStart, normalizesStudent, refines} = settings;
    this.agent = new FeatureAgent(channels, new VpProcess(settings), {
      latentChannels,
      adaptsNoise: learnsStart,
      normalizesStudent,
      normalizesProjection: true,
    });
    this.back = refines ? new Conv2d(this.agent.channels, channels.student, 1) : null;
    this.#settings = settings;
  }

  /**
   * Starts with the student's own features: else the head, which is shared, has to read its heatmaps from drawn features,
   * too.
   */
  override adjustStart(): void {
    for (const variable of this.back?.parameters() ?? [])
      tf.tidy(() => variable.assign(tf.zerosLike(variable)));
  }

  override distill({teacher, student, draws}: DistillStep): Distilled {
    const {refined: refinedWeight, ...weights} = this.#settings.weights;
    const {refined, ...losses} = this.agent.losses(
      teacher.features,
      student.features,
      draws,
      weights.intermediate > 0,
    );
    const {back} = this;
    return {
      terms: weighted(losses, weights, AGENTS_OWN),
      refined: back && {features: forHead(back, refined, student.features), weight: refinedWeight},
    };
  }

  override refine(features: tf.Tensor4D, draws: TensorDraws): tf.Tensor4D | null {
    const {back} = this;
    return back && tf.tidy(() => forHead(back, this.agent.refine(features, draws), features));
  }
}

/** The student's features with what the refined ones add to them. */
function forHead(back: Conv2d, refined: tf.Tensor4D, features: tf.Tensor4D): tf.Tensor4D {
  return tf.add(features, sameSize(back.forward(refined), features));
}
