/** @file A table of learned vectors, with PyTorch's parameter name. */
import * as tf from '@tensorflow/tfjs';
import {Module, Parameter} from './module.js';

/** Rows of a learned table, looked up by number; zero until an initialiser or a checkpoint fills them. */
export class Embedding extends Module {
  readonly weight: Parameter<tf.Rank.R2>;

  constructor(rows: number, channels: number) {
    super();
    this.weight = new Parameter<tf.Rank.R2>([rows, channels], 0);
  }

  /** @param rows int32 [N] @returns [N, channels] */
  forward(rows: tf.Tensor1D): tf.Tensor2D {
    return tf.gather(this.weight.variable, rows);
  }
}
