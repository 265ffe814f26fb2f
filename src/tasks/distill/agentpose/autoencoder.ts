/**
 * @file The space of few channels in which the agent works, each of about unit variance as the diffusion asks for. The
 * autoencoder learns from its reconstruction alone.
 */
import * as tf from '@tensorflow/tfjs';
import {batchNormInference, batchNormTraining} from '../../../engine/ops/batchNorm.js';
import {BatchNorm2d, Conv2d} from '../../../nn/layers.js';
import {Layer, StateBuffer} from '../../../nn/module.js';
import {Sequential} from '../../../nn/sequential.js';

/** DiffKD's linear autoencoder (Huang et al. 2023, §4.2): normalised 1×1 projection, and 1×1 back. */
export class AutoEncoder extends Layer {
  readonly encoder: Sequential;
  readonly decoder: Sequential;

  constructor(channels: number, latent: number) {
    super();
    this.encoder = new Sequential(new Conv2d(channels, latent, 1), new BatchNorm2d(latent));
    this.decoder = new Sequential(new Conv2d(latent, channels, 1));
  }

  /** Encodes. */
  override forward(features: tf.Tensor4D): tf.Tensor4D {
    return this.encoder.forward(features);
  }
}

const [MOMENTUM, EPSILON] = [0.1, 1e-5];

/** The teacher's own channels, each at zero mean and unit variance: what is left where there is no autoencoder. */
export class Standardizer extends Layer {
  readonly running_mean: StateBuffer<tf.Rank.R1>;
  readonly running_var: StateBuffer<tf.Rank.R1>;

  constructor(private readonly channels: number) {
    super();
    this.running_mean = new StateBuffer<tf.Rank.R1>([channels], 0);
    this.running_var = new StateBuffer<tf.Rank.R1>([channels], 1);
  }

  override forward(features: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const state = {
        scale: tf.ones<tf.Rank.R1>([this.channels]),
        offset: tf.zeros<tf.Rank.R1>([this.channels]),
        runningMean: this.running_mean.variable,
        runningVariance: this.running_var.variable,
      };
      return this.training
        ? batchNormTraining(features, state, {momentum: MOMENTUM, epsilon: EPSILON})
        : batchNormInference(features, state, EPSILON);
    });
  }
}
