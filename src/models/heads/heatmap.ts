/** @file The heatmap head: one convolution from features to a map a keypoint. */
import type * as tf from '@tensorflow/tfjs';
import {UserError} from '../../errors.js';
import {Conv2d} from '../../nn/layers.js';
import {Layer} from '../../nn/module.js';

export class HeatmapHead extends Layer {
  readonly final_layer: Conv2d;

  /** @throws UserError('usage') if the kernel is even: the maps would change their size */
  constructor(channels: number, keypoints: number, kernel: number) {
    super();
    if (kernel % 2 === 0) {
      throw new UserError('usage', `model.head.finalConvKernel: is ${kernel}; set an odd number.`);
    }
    this.final_layer = new Conv2d(channels, keypoints, kernel, {padding: (kernel - 1) / 2});
  }

  override forward(features: tf.Tensor4D): tf.Tensor4D {
    return this.final_layer.forward(features);
  }
}
