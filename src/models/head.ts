/** @file What a top-down network asks of its head. */
import type * as tf from '@tensorflow/tfjs';
import type {SupervisedOutputs} from '../losses/supervised.js';
import {Layer} from '../nn/module.js';
import type {Draws} from '../random.js';

/** What a head may know of a training step besides the features. */
export interface TrainingStep {
  /** What is random in the step comes from it alone, so that a run that goes on draws the same. */
  readonly draws: Draws;
  /** Of `Batch`; null: the loader was not asked for them. */
  readonly offTargets: Float32Array | null;
}

/** Maps features [B, h, w, C] to what keypoints are read from: one tensor for each of the codec's targets. */
export abstract class Head extends Layer<tf.Tensor4D, tf.Tensor[]> {
  /** Changes the initial weights, once all are drawn; by default they are as drawn. */
  adjustStart(): void {}

  /**
   * What is supervised in training; by default the prediction itself. A head may give more, or others.
   * @param _step null: outside of training; what needs draws is left out
   */
  supervised(features: tf.Tensor4D, _step: TrainingStep | null): SupervisedOutputs[] {
    return [{outputs: this.forward(features), weight: 1}];
  }
}

/** A head's members under the names of MMPose's checkpoints, `head.…`. */
export function publishedInHead(head: Head): [string, unknown][] {
  return Object.entries(head).map(([name, member]) => [`head.${name}`, member]);
}
