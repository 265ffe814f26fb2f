/**
 * @file CSPNeXt (RTMDet: Lyu et al. 2022, arXiv:2212.07784; RTMPose: Jiang et al. 2023, arXiv:2303.07399), arrangement P5
 * with channel attention, under MMPose's names.
 */
import * as tf from '@tensorflow/tfjs';
import type {CSPNeXtConfig} from '../../config/modelSchema.js';
import {hardSigmoid} from '../../engine/ops/activations.js';
import {adaptiveAveragePool, maxPool} from '../../engine/ops/pooling.js';
import {BatchNorm2d, Conv2d} from '../../nn/layers.js';
import {Layer} from '../../nn/module.js';
import {convBatchNorm, Sequential} from '../../nn/sequential.js';
import {Backbone} from '../backbone.js';
import {deconvolutions} from '../necks/deconvolution.js';
import {strideOf} from '../stride.js';

/** The four stages at width and depth 1. Only the last has the pooling, and no shortcuts in its blocks. */
const STAGES = [
  {outputs: 128, blocks: 3, isLast: false},
  {outputs: 256, blocks: 6, isLast: false},
  {outputs: 512, blocks: 6, isLast: false},
  {outputs: 1024, blocks: 3, isLast: true},
] as const;
const STEM = 64;

interface ConvolvedOptions {
  readonly stride?: number;
  readonly groups?: number;
}

/** A convolution that keeps the size but for its stride, normalisation and SiLU. */
class Convolved extends Layer {
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;

  constructor(inputs: number, outputs: number, kernel: number, options: ConvolvedOptions = {}) {
    super();
    this.conv = new Conv2d(inputs, outputs, kernel, {...options, padding: (kernel - 1) / 2, bias: false});
    this.bn = new BatchNorm2d(outputs);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return convBatchNorm(this.conv, this.bn, x, 'silu');
  }
}

/** 5×5 in each channel, then 1×1 over all of them. */
class DepthwiseSeparable extends Layer {
  readonly depthwise_conv: Convolved;
  readonly pointwise_conv: Convolved;

  constructor(channels: number) {
    super();
    this.depthwise_conv = new Convolved(channels, channels, 5, {groups: channels});
    this.pointwise_conv = new Convolved(channels, channels, 1);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.pointwise_conv.forward(this.depthwise_conv.forward(x)));
  }
}

/** 3×3, then the separable 5×5, and the input where there is a shortcut (RTMDet, Fig. 3b). */
class CSPNeXtBlock extends Layer {
  readonly conv1: Convolved;
  readonly conv2: DepthwiseSeparable;

  constructor(
    channels: number,
    private readonly hasShortcut: boolean,
  ) {
    super();
    this.conv1 = new Convolved(channels, channels, 3);
    this.conv2 = new DepthwiseSeparable(channels);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const y = this.conv2.forward(this.conv1.forward(x));
      return this.hasShortcut ? tf.add(y, x) : y;
    });
  }
}

/** Every channel times the hard sigmoid of a linear map of all channels' means. */
class ChannelAttention extends Layer {
  readonly fc: Conv2d;

  constructor(channels: number) {
    super();
    this.fc = new Conv2d(channels, channels, 1);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.mul(x, hardSigmoid(this.fc.forward(adaptiveAveragePool(x, [1, 1])))));
  }
}

/** Half of the channels through the blocks, half past them (cross stage partial: Wang et al. 2020). */
class CSPLayer extends Layer {
  readonly main_conv: Convolved;
  readonly short_conv: Convolved;
  readonly final_conv: Convolved;
  readonly blocks: Sequential;
  readonly attention: ChannelAttention;

  constructor(channels: number, blocks: number, hasShortcut: boolean) {
    super();
    const middle = Math.floor(channels / 2);
    this.main_conv = new Convolved(channels, middle, 1);
    this.short_conv = new Convolved(channels, middle, 1);
    this.final_conv = new Convolved(2 * middle, channels, 1);
    this.blocks = new Sequential(
      ...Array.from({length: blocks}, () => new CSPNeXtBlock(middle, hasShortcut)),
    );
    this.attention = new ChannelAttention(2 * middle);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const main = this.blocks.forward(this.main_conv.forward(x));
      const joined = tf.concat([main, this.short_conv.forward(x)], 3);
      return this.final_conv.forward(this.attention.forward(joined));
    });
  }
}

/** The features and their maxima over 5×5, 9×9 and 13×13 cells, side by side (spatial pyramid pooling: He et al. 2015). */
class PyramidPooling extends Layer {
  readonly conv1: Convolved;
  readonly conv2: Convolved;

  constructor(channels: number) {
    super();
    const middle = Math.floor(channels / 2);
    this.conv1 = new Convolved(channels, middle, 1);
    this.conv2 = new Convolved(4 * middle, channels, 1);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const pooled = [this.conv1.forward(x)];
      // A maximum over 5×5 of a maximum over n×n is one over (n + 4)×(n + 4).
      for (let i = 0; i < 3; i++) pooled.push(maxPool(pooled[i], {kernel: 5, stride: 1, padding: 2}));
      return this.conv2.forward(tf.concat(pooled, 3));
    });
  }
}

/** The backbone; its deconvolutions, if any, are those of MMPose's heatmap head. */
export class CSPNeXt extends Backbone {
  override readonly finalLayer = 'head.final_layer';
  override readonly channels: number;
  override readonly stride: number;
  readonly #parts: readonly (readonly [string, Sequential])[];

  constructor(config: CSPNeXtConfig) {
    super();
    const {widenFactor, deepenFactor, deconvolution} = config;
    const wide = (channels: number) => Math.floor(channels * widenFactor);
    const half = Math.floor((STEM * widenFactor) / 2);
    const stem = [new Convolved(3, half, 3, {stride: 2}), new Convolved(half, half, 3)];
    const parts: [string, Sequential][] = [
      ['backbone.stem', new Sequential(...stem, new Convolved(half, wide(STEM), 3))],
    ];
    let inputs = wide(STEM);
    STAGES.forEach(({outputs, blocks, isLast}, i) => {
      const depth = Math.max(1, Math.round(blocks * deepenFactor));
      const width = wide(outputs);
      const pooling = isLast ? [new PyramidPooling(width)] : [];
      const down = new Convolved(inputs, width, 3, {stride: 2});
      parts.push([
        `backbone.stage${i + 1}`,
        new Sequential(down, ...pooling, new CSPLayer(width, depth, !isLast)),
      ]);
      inputs = width;
    });
    if (deconvolution.length > 0) parts.push(['head.deconv_layers', deconvolutions(inputs, deconvolution)]);
    this.#parts = parts;
    this.channels = deconvolution.at(-1) ?? inputs;
    this.stride = strideOf(config);
  }

  override members(): Iterable<readonly [string, Layer]> {
    return this.#parts;
  }

  override get stages(): readonly (readonly string[])[] {
    return this.#parts.map(([name]) => [name]);
  }

  override forward(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.#parts.reduce((x, [, part]) => part.forward(x), images));
  }
}
