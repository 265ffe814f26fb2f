/** @file How noisy the student's features are held to be: a share that is predicted for each image (DiffKD, Huang et al. 2023, §4.3). */
import * as tf from '@tensorflow/tfjs';
import {adaptiveAveragePool} from '../../../engine/ops/pooling.js';
import {softmax} from '../../../engine/ops/softmax.js';
import {Linear} from '../../../nn/linear.js';
import {Module} from '../../../nn/module.js';
import {Sequential} from '../../../nn/sequential.js';
import {ResidualBottleneck} from './denoiser.js';

const REDUCTION = 8;

export class NoiseAdapter extends Module {
  readonly feat: Sequential;
  readonly pred: Linear;

  constructor(private readonly channels: number) {
    super();
    this.feat = new Sequential(new ResidualBottleneck(channels, REDUCTION));
    this.pred = new Linear(channels, 2);
  }

  /** @param x [B, H, W, C] @returns [B, 1, 1, 1] in (0, 1) */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const pooled = adaptiveAveragePool(this.feat.forward(x), [1, 1]);
      const shares = softmax(this.pred.forward(tf.reshape(pooled, [-1, 1, this.channels])));
      return tf.reshape(tf.slice(shares, [0, 0, 0], [-1, 1, 1]), [-1, 1, 1, 1]);
    });
  }
}
