/** @file SimCC's head (Li et al. 2022, arXiv:2107.03332): a map a keypoint, flattened, and a linear layer to the bins of each axis. */
import * as tf from '@tensorflow/tfjs';
import {Conv2d} from '../../nn/layers.js';
import {Linear} from '../../nn/linear.js';
import {Head, publishedInHead} from '../head.js';

export interface SimccSizes {
  /** Of the features. */
  readonly channels: number;
  /** Cells of the features. */
  readonly cells: number;
  readonly keypoints: number;
  /** [x, y] */
  readonly bins: readonly [number, number];
}

/** One row for each keypoint: [B, h, w, K] -> [B, K, h·w]. */
export function tokensOf(maps: tf.Tensor4D): tf.Tensor3D {
  const [batch, height, width, keypoints] = maps.shape;
  return tf.reshape(tf.transpose(maps, [0, 3, 1, 2]), [batch, keypoints, height * width]);
}

/** Gives [B, K, x bins] and [B, K, y bins]. */
export class SimccHead extends Head {
  readonly final_layer: Conv2d;
  readonly mlp_head_x: Linear;
  readonly mlp_head_y: Linear;

  constructor({channels, cells, keypoints, bins}: SimccSizes) {
    super();
    this.final_layer = new Conv2d(channels, keypoints, 1);
    this.mlp_head_x = new Linear(cells, bins[0]);
    this.mlp_head_y = new Linear(cells, bins[1]);
  }

  override members(): Iterable<readonly [string, unknown]> {
    return publishedInHead(this);
  }

  override forward(features: tf.Tensor4D): tf.Tensor[] {
    return tf.tidy(() => {
      const tokens = tokensOf(this.final_layer.forward(features));
      return [this.mlp_head_x.forward(tokens), this.mlp_head_y.forward(tokens)];
    });
  }
}
