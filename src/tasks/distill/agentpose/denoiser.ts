/** @file The network that predicts the noise in features (DiffKD, Huang et al. 2023, §4.1), under its published names. */
import * as tf from '@tensorflow/tfjs';
import {Embedding} from '../../../nn/embedding.js';
import {BatchNorm2d, Conv2d, ReLU} from '../../../nn/layers.js';
import {Layer, Module} from '../../../nn/module.js';
import {Sequential} from '../../../nn/sequential.js';

/** x and what 1×1, 3×3 and 1×1 convolutions around a narrow middle add to it, without a ReLU after the sum. */
export class ResidualBottleneck extends Layer {
  readonly block: Sequential;

  /** @param reduction of the channels in the middle */
  constructor(channels: number, reduction: number) {
    super();
    const middle = Math.max(1, Math.floor(channels / reduction));
    this.block = new Sequential(
      new Conv2d(channels, middle, 1),
      new BatchNorm2d(middle),
      new ReLU(),
      new Conv2d(middle, middle, 3, {padding: 1}),
      new BatchNorm2d(middle),
      new ReLU(),
      new Conv2d(middle, channels, 1),
      new BatchNorm2d(channels),
    );
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.add(x, this.block.forward(x)));
  }
}

/** Rows of the published table; steps up to 999 are in use. */
const TIMES = 1280;
const REDUCTION = 4;

export class Denoiser extends Module {
  readonly time_embedding: Embedding;
  readonly pred: Sequential;

  constructor(channels: number) {
    super();
    this.time_embedding = new Embedding(TIMES, channels);
    this.pred = new Sequential(
      new ResidualBottleneck(channels, REDUCTION),
      new ResidualBottleneck(channels, REDUCTION),
      new Conv2d(channels, channels, 1),
      new BatchNorm2d(channels),
    );
  }

  /**
   * @param x [B, H, W, C]
   * @param times whole numbers in [0, 999], int32: [B], or [1] for all
   * @returns the noise in x, of its shape
   */
  forward(x: tf.Tensor4D, times: tf.Tensor1D): tf.Tensor4D {
    return tf.tidy(() => {
      const [count, channels] = [times.shape[0], x.shape[3]];
      const embedded = tf.reshape(this.time_embedding.forward(times), [count, 1, 1, channels]);
      return this.pred.forward(tf.add(x, embedded));
    });
  }
}
