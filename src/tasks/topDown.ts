/** @file Top-down pose estimation as a task: the model, its loss, and what one training or prediction step is. */
import * as tf from '@tensorflow/tfjs';
import {type DecodedHeatmaps, decodeHeatmaps, flipHeatmaps} from '../codecs/heatmap.js';
import type {ModelConfig} from '../config/schema.js';
import type {KeypointSet} from '../data/keypoints.js';
import type {Batch} from '../data/types.js';
import {valueAndGradients} from '../engine/gradients.js';
import {heatmapMse} from '../losses/heatmapMse.js';
import type {PoseModel} from '../models/poseModel.js';

/** What applies the gradients; they come in the order of the model's parameters. */
export interface Optimizer {
  step(gradients: readonly tf.Tensor[], learningRate: number): void;
}

export interface FlipTest {
  readonly flipTest: boolean;
  /** Shift the flipped heatmaps by one cell, as HRNet does. */
  readonly shiftHeatmap: boolean;
}

/** A heatmap model for people in crops of the image. */
export class TopDownTask {
  readonly #parameters: tf.Variable[];

  constructor(
    readonly model: PoseModel,
    readonly keypointSet: KeypointSet,
    readonly config: Pick<ModelConfig, 'input' | 'head'>,
  ) {
    this.#parameters = [...model.namedParameters().values()];
  }

  /** [height, width] of the heatmaps. */
  get heatmapSize(): readonly [number, number] {
    const {input} = this.config;
    return [input[0] / this.model.stride, input[1] / this.model.stride];
  }

  /**
   * One update of the model's weights.
   * @param check is given the loss before the weights change, and may throw
   * @returns the loss
   */
  train(batch: Batch, optimizer: Optimizer, learningRate: number, check: (loss: number) => number): number {
    this.model.train();
    return tf.tidy(() => {
      const images = this.#images(batch);
      const [height, width] = this.heatmapSize;
      const keypoints = this.keypointSet.names.length;
      const targets = tf.tensor4d(batch.targets, [batch.samples.length, height, width, keypoints]);
      const weights = tf.tensor2d(batch.targetWeights, [batch.samples.length, keypoints]);
      const forward = () => heatmapMse(this.model.forward(images), targets, weights);
      const {value, gradients} = valueAndGradients(forward, this.#parameters);
      const loss = check(value.dataSync()[0]);
      optimizer.step(gradients, learningRate);
      return loss;
    });
  }

  /** @returns heatmaps [batch, height, width, keypoints], averaged with those of the mirrored crops if asked for */
  predict(batch: Batch, {flipTest, shiftHeatmap}: FlipTest): Float32Array {
    this.model.eval();
    return tf.tidy(() => {
      const images = this.#images(batch);
      const heatmaps = this.model.forward(images).dataSync<'float32'>();
      if (!flipTest) return heatmaps;
      const mirrored = this.model.forward(tf.reverse(images, 2)).dataSync<'float32'>();
      const shape = [batch.samples.length, ...this.heatmapSize, this.keypointSet.names.length] as const;
      const back = flipHeatmaps(mirrored, shape, this.keypointSet.flipPairs, shiftHeatmap);
      return heatmaps.map((value, i) => (value + back[i]) / 2);
    });
  }

  /** Keypoints in heatmap cells from what `predict` gave for a batch of `samples`. */
  decode(heatmaps: Float32Array, samples: number): DecodedHeatmaps {
    const {sigma, unbiased} = this.config.head;
    const shape = [samples, ...this.heatmapSize, this.keypointSet.names.length] as const;
    return decodeHeatmaps(heatmaps, shape, unbiased ? sigma : null);
  }

  #images(batch: Batch): tf.Tensor4D {
    return tf.tensor4d(batch.images, [batch.samples.length, ...this.config.input, 3]);
  }
}
