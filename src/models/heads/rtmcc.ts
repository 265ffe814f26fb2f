/** @file RTMPose's head, RTMCC (Jiang et al. 2023, arXiv:2303.07399, Sect. 3.3): SimCC's with attention between keypoints. */
import * as tf from '@tensorflow/tfjs';
import {GatedAttention, type GatedAttentionOptions, ScaleNorm} from '../../nn/gatedAttention.js';
import {Conv2d} from '../../nn/layers.js';
import {Linear} from '../../nn/linear.js';
import {Head, publishedInHead} from '../head.js';
import {type SimccSizes, tokensOf} from './simcc.js';

export interface RtmccOptions {
  /** Of the convolution that makes maps, odd. */
  readonly finalConvKernel: number;
  /** Width of a keypoint's token. */
  readonly hiddenChannels: number;
  readonly gau: GatedAttentionOptions;
}

/** Gives [B, K, x bins] and [B, K, y bins]. */
export class RtmccHead extends Head {
  readonly final_layer: Conv2d;
  readonly mlp: readonly [ScaleNorm, Linear];
  readonly gau: GatedAttention;
  readonly cls_x: Linear;
  readonly cls_y: Linear;

  constructor(
    {channels, cells, keypoints, bins}: SimccSizes,
    {finalConvKernel, hiddenChannels, gau}: RtmccOptions,
  ) {
    super();
    this.final_layer = new Conv2d(channels, keypoints, finalConvKernel, {padding: (finalConvKernel - 1) / 2});
    this.mlp = [new ScaleNorm(), new Linear(cells, hiddenChannels, {bias: false})];
    this.gau = new GatedAttention(hiddenChannels, gau);
    this.cls_x = new Linear(hiddenChannels, bins[0], {bias: false});
    this.cls_y = new Linear(hiddenChannels, bins[1], {bias: false});
  }

  override members(): Iterable<readonly [string, unknown]> {
    return publishedInHead(this);
  }

  override forward(features: tf.Tensor4D): tf.Tensor[] {
    return tf.tidy(() => {
      const [norm, embed] = this.mlp;
      const maps = tokensOf(this.final_layer.forward(features));
      const tokens = this.gau.forward(embed.forward(norm.forward(maps)));
      return [this.cls_x.forward(tokens), this.cls_y.forward(tokens)];
    });
  }
}
