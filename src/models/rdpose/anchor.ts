/** @file Anchors: the cells of feature maps at which a person is looked at (RDPose; after CID, Wang & Zhang 2022). */
import * as tf from '@tensorflow/tfjs';
import {withoutGradient} from '../../engine/gradients.js';

/** A cell of each sample, and what the features say there. A type and not an interface, so that `tf.tidy` can give it back. */
export type Anchor = {
  /** [B, 1, C] */
  readonly embedding: tf.Tensor3D;
  /** [B, 2]: x, y in cells. */
  readonly position: tf.Tensor2D;
};

/** Of a map [height, width]. */
export type MapSize = readonly [height: number, width: number];

/** x and y of every cell of a map, [height · width, 2]. */
export function cellPositions([height, width]: MapSize): tf.Tensor2D {
  const positions = new Float32Array(2 * height * width);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      positions[at++] = x;
      positions[at++] = y;
    }
  }
  return tf.tensor2d(positions, [height * width, 2]);
}

/**
 * The features at given cells. Products with one-hot rows: their gradient is a product again, the same on every device at
 * every run, where that of a gather is not.
 * @param features [B, H, W, C]
 * @param cells [B × count] of numbers row · W + column, sample by sample
 * @returns [B, count, C]
 */
export function embeddingsAt(features: tf.Tensor4D, cells: tf.Tensor1D, count = 1): tf.Tensor3D {
  const [batch, height, width, channels] = features.shape;
  return tf.tidy(() => {
    const hot = withoutGradient(() => oneHot(cells, height * width));
    const rows = tf.reshape(hot, [batch, count, height * width]);
    return tf.matMul(rows, tf.reshape(features, [batch, height * width, channels])) as tf.Tensor3D;
  });
}

function oneHot(cells: tf.Tensor1D, depth: number): tf.Tensor2D {
  return tf.oneHot(cells, depth, 1, 0, 'float32') as tf.Tensor2D;
}

/** @param cells [B] */
export function anchorAt(features: tf.Tensor4D, cells: tf.Tensor1D): Anchor {
  const [, height, width] = features.shape;
  return tf.tidy(() => ({
    embedding: embeddingsAt(features, cells),
    // A product, lest whole numbers be divided on the host while a GPU waits.
    position: withoutGradient(() =>
      tf.matMul(oneHot(cells, height * width), cellPositions([height, width])),
    ) as tf.Tensor2D,
  }));
}

/** The same cell for all samples. */
export function fixedCells(batch: number, [row, column]: readonly [number, number], width: number) {
  return tf.fill([batch], row * width + column, 'int32') as tf.Tensor1D;
}

/**
 * Where the last of the maps is the greatest, first cell first.
 * @param heatmaps [B, H, W, maps]
 * @returns [B] cells, constants
 */
export function lastMapPeaks(heatmaps: tf.Tensor4D): tf.Tensor1D {
  const [batch, height, width, maps] = heatmaps.shape;
  return withoutGradient(() => {
    const last = tf.slice(heatmaps, [0, 0, 0, maps - 1], [batch, height, width, 1]);
    return tf.argMax(tf.reshape(last, [batch, height * width]), 1) as tf.Tensor1D;
  });
}
