/** @file Resampling as the portable form of resizing and pooling has it: one matrix over the rows, one over the columns. */
import * as tf from '@tensorflow/tfjs';

/** The share of one input cell in an output cell. */
export type Share = readonly [input: number, weight: number];

/** [outputs, inputs], row by row from the shares of each output cell. */
function matrix(inputs: number, outputs: number, shares: (output: number) => Share[]): tf.Tensor2D {
  const values = new Float32Array(outputs * inputs);
  for (let output = 0; output < outputs; output++) {
    for (const [input, weight] of shares(output)) values[output * inputs + input] += weight;
  }
  return tf.tensor2d(values, [outputs, inputs]);
}

/**
 * @param x [B, H, W, C]
 * @param shares of the input's cells in an output's cell, along an axis of `inputs` resampled to `outputs` cells
 * @returns [B, height, width, C]
 */
export function resample(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
  shares: (inputs: number, outputs: number) => (output: number) => Share[],
): tf.Tensor4D {
  const [batch, inputHeight, inputWidth, channels] = x.shape;
  const rows = matrix(inputHeight, height, shares(inputHeight, height));
  const columns = matrix(inputWidth, width, shares(inputWidth, width));
  const byRow = tf.matMul(rows, tf.reshape(x, [batch, inputHeight, inputWidth * channels]));
  const byColumn = tf.matMul(columns, tf.reshape(byRow, [batch * height, inputWidth, channels]));
  return tf.reshape(byColumn, [batch, height, width, channels]);
}
