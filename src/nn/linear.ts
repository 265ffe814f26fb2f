/** @file The linear layer, with PyTorch's parameter names. */
import * as tf from '@tensorflow/tfjs';
import {CountedLayer} from './counted.js';
import {Parameter} from './module.js';

export interface LinearOptions {
  readonly bias?: boolean;
}

/** x·Wᵀ + b over the last axis of [B, N, inputs]. Weights and bias are zero until an initialiser or a checkpoint fills them. */
export class Linear extends CountedLayer<tf.Tensor3D> {
  /** [outputs, inputs], as published. */
  readonly weight: Parameter<tf.Rank.R2>;
  readonly bias: Parameter<tf.Rank.R1> | null;
  readonly isPrediction = false;

  constructor(inputs: number, outputs: number, {bias = true}: LinearOptions = {}) {
    super();
    this.weight = new Parameter<tf.Rank.R2>([outputs, inputs], 0);
    this.bias = bias ? new Parameter<tf.Rank.R1>([outputs], 0) : null;
  }

  get fanIn(): number {
    return this.weight.variable.shape[1];
  }

  /** Every row takes part with every weight. */
  override macs([batch, rows]: readonly number[]): number {
    return batch * rows * this.weight.variable.size;
  }

  override forward(x: tf.Tensor3D): tf.Tensor3D {
    const [batch, rows, inputs] = x.shape;
    const y = tf.tidy(() => {
      // One product of two matrices: a batch of small ones is slower.
      const flat = tf.matMul(tf.reshape(x, [batch * rows, inputs]), this.weight.variable, false, true);
      const sums = this.bias ? tf.add(flat, this.bias.variable) : flat;
      return tf.reshape(sums, [batch, rows, -1]) as tf.Tensor3D;
    });
    this.onOutput?.(y.shape, x.shape);
    return y;
  }
}
