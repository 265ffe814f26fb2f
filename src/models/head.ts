/** @file What a top-down network asks of its head. */
import type * as tf from '@tensorflow/tfjs';
import type {SupervisedHeatmaps} from '../losses/supervised.js';
import {Layer} from '../nn/module.js';

/** Maps features [B, h, w, C] to the heatmaps [B, h, w, keypoints] that keypoints are read from. */
export abstract class Head extends Layer {
  /** What is supervised in training; by default the prediction itself. A head may give more, or others. */
  supervised(features: tf.Tensor4D): SupervisedHeatmaps[] {
    return [{heatmaps: this.forward(features), weight: 1}];
  }
}
