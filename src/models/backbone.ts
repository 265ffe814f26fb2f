/** @file What a top-down network asks of its backbone. */
import type * as tf from '@tensorflow/tfjs';
import type {SupervisedOutputs} from '../losses/supervised.js';
import {Layer} from '../nn/module.js';

/** What a backbone gives in training. */
export type BackboneOutput = {
  /** Those of `forward`. */
  readonly features: tf.Tensor4D;
  /** Heatmaps that it made on the way to them, for intermediate supervision (Newell et al. 2016). */
  readonly intermediate: SupervisedOutputs[];
};

/** Maps images [B, H, W, 3] to features [B, H / stride, W / stride, channels]. */
export abstract class Backbone extends Layer {
  abstract readonly channels: number;
  abstract readonly stride: number;
  /** Name of the convolution that makes heatmaps of its features, in the published checkpoints. */
  readonly finalLayer: string = 'final_layer';

  /**
   * Its members in groups from the image on, for learning rates that fall with the depth; by default it is one. A
   * group lists the beginnings of names: `layer1`, `hgs.0`.
   */
  get stages(): readonly (readonly string[])[] {
    return [];
  }

  /** The forward pass of training; by default there is nothing to supervise on the way. */
  forwardInTraining(images: tf.Tensor4D): BackboneOutput {
    return {features: this.forward(images), intermediate: []};
  }
}
