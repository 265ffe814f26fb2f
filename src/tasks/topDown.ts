/** @file Top-down pose estimation as a task: the model, its loss, and what one training or prediction step is. */
import * as tf from '@tensorflow/tfjs';
import {type Codec, type DecodedKeypoints, targetArrays} from '../codecs/codec.js';
import {codecSpec, createCodec} from '../codecs/create.js';
import {flipOutputs} from '../codecs/flip.js';
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
  /** Line the flipped output up by whole cells; null: as published with the codec. */
  readonly shiftHeatmap: boolean | null;
}

/** A model for people in crops of the image, and the codec that says what its output means. */
export class TopDownTask {
  readonly codec: Codec;
  readonly #parameters: tf.Variable[];

  constructor(
    readonly model: PoseModel,
    readonly keypointSet: KeypointSet,
    readonly config: Pick<ModelConfig, 'input' | 'head'>,
  ) {
    this.codec = createCodec(codecSpec(config, model.stride, keypointSet.names.length));
    this.#parameters = [...model.namedParameters().values()];
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
      const count = batch.samples.length;
      const [{shape}] = this.codec.targets;
      const [heatmaps] = targetArrays(this.codec, batch.targets, count);
      const targets = tf.tensor<tf.Rank.R4>(heatmaps, [count, shape[0], shape[1], shape[2]]);
      const weights = tf.tensor2d(batch.targetWeights, [count, this.keypointSet.names.length]);
      const forward = () => heatmapMse(this.model.forward(images), targets, weights);
      const {value, gradients} = valueAndGradients(forward, this.#parameters);
      const loss = check(value.dataSync()[0]);
      optimizer.step(gradients, learningRate);
      return loss;
    });
  }

  /** @returns the model's outputs in the codec's shapes, averaged with those of the mirrored crops if asked for */
  predict(batch: Batch, {flipTest, shiftHeatmap}: FlipTest): Float32Array[] {
    this.model.eval();
    const results = tf.tidy(() => {
      const images = this.#images(batch);
      const outputs = this.#outputs(images);
      return flipTest ? this.#averaged(outputs, images, shiftHeatmap) : outputs;
    });
    // Outside `tidy`, which looks for tensors in what it returns, in every number of an array too: that takes seconds.
    const arrays = results.map((result) => result.dataSync<'float32'>());
    tf.dispose(results);
    return arrays;
  }

  /** Keypoints in input pixels from what `predict` gave for a batch of `samples`. */
  decode(outputs: readonly Float32Array[], samples: number): DecodedKeypoints {
    return this.codec.decode(outputs, samples);
  }

  /** One for each of the codec's targets. */
  #outputs(images: tf.Tensor4D): tf.Tensor[] {
    return [this.model.forward(images)];
  }

  /** The mean of `outputs` and of those for the mirrored images. */
  #averaged(outputs: readonly tf.Tensor[], images: tf.Tensor4D, shift: boolean | null): tf.Tensor[] {
    const {codec, keypointSet} = this;
    const mirrored = this.#outputs(tf.reverse(images, 2));
    const back = flipOutputs(codec, mirrored, keypointSet.flipPairs, shift ?? codec.alignsFlipped);
    return outputs.map((output, i) => tf.mul(tf.add(output, back[i]), 0.5));
  }

  #images(batch: Batch): tf.Tensor4D {
    return tf.tensor4d(batch.images, [batch.samples.length, ...this.config.input, 3]);
  }
}
