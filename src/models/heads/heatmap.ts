/** @file The heatmap head: one convolution from features to a map a keypoint. */
import type * as tf from '@tensorflow/tfjs';
import {UserError} from '../../errors.js';
import {Conv2d} from '../../nn/layers.js';
import {Head} from '../head.js';

export class HeatmapHead extends Head {
  readonly #convolution: Conv2d;

  /**
   * @param name of the convolution, in the published checkpoints
   * @throws UserError('usage') if the kernel is even: the maps would change their size
   */
  constructor(
    channels: number,
    keypoints: number,
    kernel: number,
    readonly name = 'final_layer',
  ) {
    super();
    if (kernel % 2 === 0) {
      throw new UserError('usage', `model.head.finalConvKernel: is ${kernel}; set an odd number.`);
    }
    const padding = (kernel - 1) / 2;
    this.#convolution = new Conv2d(channels, keypoints, kernel, {padding, isPrediction: true});
  }

  override members(): Iterable<readonly [string, Conv2d]> {
    return [[this.name, this.#convolution]];
  }

  /** One set of maps [B, h, w, keypoints]. */
  override forward(features: tf.Tensor4D): [tf.Tensor4D] {
    return [this.#convolution.forward(features)];
  }
}
