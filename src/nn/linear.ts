/** @file The linear layer, with PyTorch's parameter names. */
import * as tf from '@tensorflow/tfjs';
import type {OutputObserver} from './layers.js';
import {Module, Parameter} from './module.js';

/** Published as [outputs, inputs], held as [inputs, outputs]. */
const TO_HELD = [1, 0] as const;

/** x·W + b over the last axis of [B, N, inputs]. Weights and bias are zero until an initialiser or a checkpoint fills them. */
export class Linear extends Module {
  readonly weight: Parameter<tf.Rank.R2>;
  readonly bias: Parameter<tf.Rank.R1>;
  onOutput: OutputObserver | null = null;

  constructor(inputs: number, outputs: number) {
    super();
    this.weight = new Parameter<tf.Rank.R2>([inputs, outputs], 0, TO_HELD);
    this.bias = new Parameter<tf.Rank.R1>([outputs], 0);
  }

  get fanIn(): number {
    return this.weight.variable.shape[0];
  }

  /** Every row takes part with every weight. */
  macs([batch, rows]: readonly number[]): number {
    return batch * rows * this.weight.variable.size;
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    const [batch, rows, inputs] = x.shape;
    const y = tf.tidy(() => {
      const flat = tf.matMul(tf.reshape(x, [batch * rows, inputs]), this.weight.variable);
      return tf.reshape(tf.add(flat, this.bias.variable), [batch, rows, -1]) as tf.Tensor3D;
    });
    this.onOutput?.(y.shape, x.shape);
    return y;
  }
}
