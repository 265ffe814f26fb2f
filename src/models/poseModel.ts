/** @file The top-down network: a backbone and a head, under the flat names of the published checkpoints. */
import * as tf from '@tensorflow/tfjs';
import type {SupervisedOutputs} from '../losses/supervised.js';
import {Layer, type Module} from '../nn/module.js';
import type {Backbone} from './backbone.js';
import type {Head, TrainingStep} from './head.js';

export class PoseModel extends Layer<tf.Tensor4D, tf.Tensor[]> {
  constructor(
    readonly backbone: Backbone,
    readonly head: Head,
  ) {
    super();
  }

  /** Pixels of the image in one cell of the features, along each axis. */
  get stride(): number {
    return this.backbone.stride;
  }

  /** What runs once training is over: this network, unless some of it is for training alone. */
  get deployed(): PoseModel {
    return this;
  }

  override members(): Iterable<readonly [string, Module]> {
    return [
      ['', this.backbone],
      ['', this.head],
    ];
  }

  /** How many stages stand between a parameter and the output: 0 in the head, 1 in the backbone's last stage. */
  distanceFromHead(parameter: string): number {
    if (this.head.namedParameters().has(parameter)) return 0;
    const {stages} = this.backbone;
    const at = stages.findIndex((members) => members.some((member) => parameter.startsWith(`${member}.`)));
    return at < 0 ? 1 : stages.length - at;
  }

  /**
   * The prediction.
   * @param images [B, H, W, 3]
   * @returns one tensor for each of the codec's targets: heatmaps [B, H / stride, W / stride, keypoints], or SimCC's bins
   * [B, keypoints, x bins] and [B, keypoints, y bins]
   */
  override forward(images: tf.Tensor4D): tf.Tensor[] {
    return tf.tidy(() => this.head.forward(this.backbone.forward(images)));
  }

  /**
   * The forward pass of training: everything that the loss compares with the targets, from the image on.
   * @param images [B, H, W, 3]
   * @param step null: outside of training; what needs draws is left out
   */
  supervised(images: tf.Tensor4D, step: TrainingStep | null = null): SupervisedOutputs[] {
    return tf.tidy(() => {
      const {features, intermediate} = this.backbone.forwardInTraining(images);
      return [...intermediate, ...this.head.supervised(features, step)];
    });
  }
}
