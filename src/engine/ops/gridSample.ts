/** @file Bilinear sampling at any positions (Jaderberg et al. 2015, eq. 5), as PyTorch's `grid_sample` counts them. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel, runKernelMany} from './kernels.js';

export interface GridSampleOptions {
  /** What lies outside: zeros, or the nearest cell of the border. */
  readonly padding?: 'zeros' | 'border';
  /** Whether −1 and 1 are the centres of the outermost cells (true) or the edges of the image (false). */
  readonly alignCorners?: boolean;
}

/**
 * @param x [B, H, W, C]
 * @param grid [B, H', W', 2], positions (x, y) with [−1, 1] spanning the image
 * @returns [B, H', W', C]
 * @throws Error if the batches differ, or if the grid's last axis is not 2
 */
export function gridSample(
  x: tf.Tensor4D,
  grid: tf.Tensor4D,
  {padding = 'zeros', alignCorners = false}: GridSampleOptions = {},
): tf.Tensor4D {
  if (grid.shape[0] !== x.shape[0] || grid.shape[3] !== 2)
    throw new Error(`gridSample: grid [${grid.shape}] does not fit input [${x.shape}]`);
  const options = {padding, alignCorners};
  if (hasKernel(KERNELS.gridSample)) return runKernel(KERNELS.gridSample, {x, grid}, options);
  return portable(x, grid, options);
}

/** Along one axis: the two cells beside a position, and their weights. */
interface Neighbours {
  readonly cells: readonly [tf.Tensor, tf.Tensor];
  readonly weights: readonly [tf.Tensor, tf.Tensor];
}

function portable(x: tf.Tensor4D, grid: tf.Tensor4D, options: Required<GridSampleOptions>): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const [, rows, columns] = grid.shape;
  const [across, down] = tf.split(grid, 2, 3);
  const horizontal = neighbours(across, width, options);
  const vertical = neighbours(down, height, options);
  const images = tf.reshape(tf.range(0, batch), [batch, 1, 1, 1]);
  const cells = tf.reshape(x, [batch * height * width, channels]);
  const corners = [0, 1].flatMap((i) =>
    [0, 1].map((j) => {
      const row = tf.add(tf.mul(images, height), vertical.cells[i]);
      const index = tf.reshape(tf.add(tf.mul(row, width), horizontal.cells[j]), [-1]);
      const values = tf.reshape(pick(cells, index), [batch, rows, columns, channels]);
      return tf.mul(values, tf.mul(vertical.weights[i], horizontal.weights[j]));
    }),
  );
  return tf.addN(corners) as tf.Tensor4D;
}

/** @param positions in [−1, 1], of cells 0 … size − 1 */
function neighbours(
  positions: tf.Tensor,
  size: number,
  {padding, alignCorners}: Required<GridSampleOptions>,
): Neighbours {
  const last = size - 1;
  const scaled = alignCorners
    ? tf.mul(tf.add(positions, 1), last / 2)
    : tf.sub(tf.mul(tf.add(positions, 1), size / 2), 0.5);
  const inside = padding === 'border' ? clampOpen(scaled, last) : scaled;
  const first = tf.floor(inside);
  const second = tf.add(first, 1);
  const weight = tf.sub(inside, first);
  return {
    cells: [tf.clipByValue(first, 0, last), tf.clipByValue(second, 0, last)],
    weights: [tf.mul(tf.sub(1, weight), within(first, last)), tf.mul(weight, within(second, last))],
  };
}

/** Clamps to [0, last]; unlike `clipByValue` it passes no gradient on at the ends either, as PyTorch. */
function clampOpen(x: tf.Tensor, last: number): tf.Tensor {
  const below = tf.step(tf.sub(last, x));
  return tf.add(tf.mul(tf.relu(x), below), tf.mul(last, tf.sub(1, below)));
}

/** 1 for whole numbers from 0 to `last`, else 0. */
function within(cell: tf.Tensor, last: number): tf.Tensor {
  return tf.mul(tf.step(tf.add(cell, 0.5)), tf.step(tf.sub(last + 0.5, cell)));
}

/**
 * Rows of a matrix by whole numbers that are held as floats. The gradient that `tf.gather` itself gives for its indices
 * is the indices, which stops TensorFlow.js wherever they depend on a variable.
 * @param rows [N, C]
 * @param index [M]
 * @returns [M, C]
 */
const pick = tf.customGrad((...args) => {
  const [rows, index, save] = args as unknown as [tf.Tensor2D, tf.Tensor1D, (tensors: tf.Tensor[]) => void];
  const count = rows.shape[0];
  const value = tf.gather(rows, tf.cast(index, 'int32'));
  // Last: what is saved would stay behind if the value failed.
  save([index]);
  return {
    value,
    gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => [
      tf.unsortedSegmentSum(dy, tf.cast(saved, 'int32') as tf.Tensor1D, count),
      tf.zerosLike(saved),
    ],
  };
});

tf.registerGradient({
  kernelName: KERNELS.gridSample,
  inputsToSave: ['x', 'grid'],
  gradFunc: (dy, [x, grid], attributes) => {
    const inputs = {dy: dy as tf.Tensor, x, grid};
    const [dx, dGrid] = runKernelMany(KERNELS.gridSampleGradient, inputs, attributes);
    return {x: () => dx, grid: () => dGrid};
  },
});
