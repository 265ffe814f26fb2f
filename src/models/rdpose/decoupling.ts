/**
 * @file FDM, feature decoupling: features are gated by what they are at the person's anchor, channel by channel and cell by
 * cell, so that neighbours fade (RDPose; the parts and their names are those of CID's GFD, Wang & Zhang 2022).
 */
import * as tf from '@tensorflow/tfjs';
import {relu} from '../../engine/ops/relu.js';
import {Conv2d} from '../../nn/layers.js';
import {Linear} from '../../nn/linear.js';
import {Module} from '../../nn/module.js';
import {type Anchor, cellPositions} from './anchor.js';

/** Offsets from the anchor are counted in so many cells. */
const OFFSET_UNIT = 32;
const SPATIAL_KERNEL = 5;

/** Gains of the channels, unbounded. */
class ChannelAttention extends Module {
  readonly atn: Linear;

  constructor(channels: number) {
    super();
    this.atn = new Linear(channels, channels);
  }

  forward(features: tf.Tensor4D, {embedding}: Anchor): tf.Tensor4D {
    const [batch, , , channels] = features.shape;
    return tf.mul(features, tf.reshape(this.atn.forward(embedding), [batch, 1, 1, channels]));
  }
}

/** Gains of the cells, from 0 to 1: by their likeness to the anchor, and where they lie from it. */
class SpatialAttention extends Module {
  readonly atn: Linear;
  readonly conv = new Conv2d(3, 1, SPATIAL_KERNEL, {padding: (SPATIAL_KERNEL - 1) / 2});

  constructor(channels: number) {
    super();
    this.atn = new Linear(channels, channels);
  }

  forward(features: tf.Tensor4D, anchor: Anchor): tf.Tensor4D {
    const likeness = this.#likeness(features, anchor);
    const evidence = tf.concat([likeness, offsets(features, anchor)], 3) as tf.Tensor4D;
    return tf.mul(features, tf.sigmoid(this.conv.forward(evidence)));
  }

  /** [B, H, W, 1]: the product of every cell with a query that is made of the anchor. */
  #likeness(features: tf.Tensor4D, {embedding}: Anchor): tf.Tensor4D {
    const [batch, height, width, channels] = features.shape;
    const query = tf.reshape(this.atn.forward(embedding), [batch, channels, 1]);
    const cells = tf.reshape(features, [batch, height * width, channels]);
    return tf.reshape(tf.matMul(cells, query), [batch, height, width, 1]);
  }
}

/** [B, H, W, 2]: x and y from each cell to the anchor. */
function offsets({shape: [batch, height, width]}: tf.Tensor4D, {position}: Anchor): tf.Tensor4D {
  const cells = tf.reshape(cellPositions([height, width]), [1, height, width, 2]);
  return tf.div(tf.sub(tf.reshape(position, [batch, 1, 1, 2]), cells), OFFSET_UNIT);
}

export class FeatureDecoupling extends Module {
  readonly c_attn: ChannelAttention;
  readonly s_attn: SpatialAttention;
  readonly fuse_attn: Conv2d;

  constructor(channels: number) {
    super();
    this.c_attn = new ChannelAttention(channels);
    this.s_attn = new SpatialAttention(channels);
    this.fuse_attn = new Conv2d(2 * channels, channels, 1);
  }

  /**
   * Starts with every gain at 1, and with the channel branch alone: features without negative numbers pass as they are,
   * so that the convolution which makes heatmaps of both begins with the same for both. From drawn gains, which are of
   * either sign and follow the anchor, a thin HRNet comes to maps so blurred that it loses a third of its AP.
   */
  startOpen(): void {
    const {c_attn, fuse_attn} = this;
    const {weight} = fuse_attn;
    const [, , inputs, outputs] = weight.variable.shape;
    tf.tidy(() => {
      c_attn.atn.weight.variable.assign(tf.zerosLike(c_attn.atn.weight.variable));
      c_attn.atn.bias!.variable.assign(tf.onesLike(c_attn.atn.bias!.variable));
      weight.variable.assign(tf.reshape(tf.eye(inputs, outputs), [1, 1, inputs, outputs]));
      fuse_attn.bias!.variable.assign(tf.zerosLike(fuse_attn.bias!.variable));
    });
  }

  /**
   * @param features [B, H, W, C]
   * @returns [B, H, W, C], of the person at the anchor
   */
  forward(features: tf.Tensor4D, anchor: Anchor): tf.Tensor4D {
    return tf.tidy(() => {
      const branches = [this.c_attn.forward(features, anchor), this.s_attn.forward(features, anchor)];
      return relu(this.fuse_attn.forward(tf.concat(branches, 3) as tf.Tensor4D));
    });
  }
}
