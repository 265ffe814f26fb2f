/** @file What a diffusion is to the feature agent: noise that comes into features, and ways to take it out again. */
import type * as tf from '@tensorflow/tfjs';
import type {TensorDraws} from '../draws.js';

/** Features with noise of varying intensity, to train the denoiser on. */
export type Perturbed = {
  /** [B, H, W, C] */
  readonly noisy: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  /** int32 [B] */
  readonly times: tf.Tensor1D;
};

/** The noise in x at these times: the denoiser. */
export type Predict = (x: tf.Tensor4D, times: tf.Tensor1D) => tf.Tensor4D;

/** How noise comes into features and goes out of them. */
export interface DiffusionProcess {
  /** The forward process, at times that are drawn for each sample. */
  perturb(latent: tf.Tensor4D, draws: TensorDraws): Perturbed;

  /**
   * The student's features made noisy, and the way back.
   * @param share of the noise adapter, [B, 1, 1, 1]; null without one
   * @returns the states after each step, of which the last is noiseless
   */
  denoise(
    latent: tf.Tensor4D,
    share: tf.Tensor4D | null,
    predict: Predict,
    draws: TensorDraws,
  ): ReverseState[];
}

/** A place on the way back. A type and not an interface, so that `tf.tidy` can give it back. */
export type ReverseState = {
  readonly latent: tf.Tensor4D;
  /** Factor of the mean that noiseless features have at its time. */
  readonly mean: tf.Tensor;
};
