/** @file Top-down pose estimation as a task: the model, its loss, and what one training or prediction step asks of them. */
import * as tf from '@tensorflow/tfjs';
import {type Codec, type DecodedKeypoints, targetArrays} from '../codecs/codec.js';
import {codecSpec, createCodec} from '../codecs/create.js';
import {flipOutputs} from '../codecs/flip.js';
import type {ModelConfig} from '../config/modelSchema.js';
import type {KeypointSet} from '../data/keypoints.js';
import type {Batch} from '../data/types.js';
import {type Loss, type LossAndGradients, lossAndGradients} from '../engine/gradients.js';
import {createLoss, type PoseLoss} from '../losses/create.js';
import {type SupervisedOutputs, supervisedLoss, supervisedTerms} from '../losses/supervised.js';
import type {PoseModel} from '../models/poseModel.js';
import type {Draws} from '../random.js';

/** A batch on the device. */
export interface TopDownInputs {
  /** [B, H, W, 3] */
  readonly images: tf.Tensor4D;
  /** [B, ...shape] for each of the codec's targets */
  readonly targets: tf.Tensor[];
  /** [B, maps] */
  readonly weights: tf.Tensor2D;
  /** Of `Batch`, on the host. */
  readonly offTargets?: Float32Array;
  /** Who they are, mirrored or not, by the numbers of a `TeacherCache`; on the host, and only where a task has one. */
  readonly records?: Int32Array;
}

export interface FlipTest {
  readonly flipTest: boolean;
  /** Line the flipped output up by whole cells; null: as published with the codec. */
  readonly shiftHeatmap: boolean | null;
}

/** A model for people in crops of the image, and the codec that says what its output means. */
export class TopDownTask {
  readonly codec: Codec;
  readonly #loss: PoseLoss;
  /** The share of the training that is over, in whole epochs; for what changes with it. */
  progress = 0;

  constructor(
    readonly model: PoseModel,
    readonly keypointSet: KeypointSet,
    readonly config: Pick<ModelConfig, 'input' | 'head'>,
  ) {
    this.codec = createCodec(codecSpec(config, model.stride, keypointSet.names.length));
    this.#loss = createLoss(config.head);
  }

  /** Brings a batch to the device; on a GPU it need not have arrived when this returns. */
  upload(batch: Batch): TopDownInputs {
    const count = batch.samples.length;
    const {codec} = this;
    const targets = targetArrays(codec, batch.targets, count);
    return {
      images: this.#images(batch),
      targets: targets.map((values, i) => tf.tensor(values, [count, ...codec.targets[i].shape])),
      weights: tf.tensor2d(batch.targetWeights, [count, codec.weights]),
      // The batch's memory may be another's by the time it is read.
      ...(batch.offTargets?.length && {offTargets: batch.offTargets.slice()}),
    };
  }

  /** The forward pass of training: all that the loss compares with targets. */
  supervised({images, offTargets}: TopDownInputs, draws: Draws): SupervisedOutputs[] {
    return this.model.supervised(images, {draws, offTargets: offTargets ?? null});
  }

  /**
   * The loss of a batch and its derivative by each of the parameters; running statistics move with it.
   * @param draws what is random in the step comes from it alone
   */
  gradients(inputs: TopDownInputs, parameters: readonly tf.Variable[], draws: Draws): LossAndGradients {
    // A walk through all layers, which is seldom needed.
    if (!this.model.training) this.model.train();
    return tf.tidy(() => lossAndGradients(this.lossIn(inputs, draws), parameters));
  }

  /** Prepares what takes no part in the gradient. @returns the loss of a step, which is then recorded */
  protected lossIn(inputs: TopDownInputs, draws: Draws): () => Loss {
    const {targets, weights} = inputs;
    return () => supervisedTerms(this.#loss, this.supervised(inputs, draws), targets, weights);
  }

  /** The task's loss of what a network gave in training. */
  protected lossOf(supervised: readonly SupervisedOutputs[], {targets, weights}: TopDownInputs): tf.Scalar {
    return supervisedLoss(this.#loss, supervised, targets, weights);
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
    return this.model.forward(images);
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
