/** @file The stacked hourglass (Newell et al. 2016), with the layers and names of the group's PyTorch code. */
import * as tf from '@tensorflow/tfjs';
import type {HourglassConfig} from '../../config/modelSchema.js';
import {maxPool} from '../../engine/ops/pooling.js';
import {resizeNearest} from '../../engine/ops/resize.js';
import {BatchNorm2d, Conv2d, MaxPool2d} from '../../nn/layers.js';
import {Layer} from '../../nn/module.js';
import {convBatchNorm, Sequential} from '../../nn/sequential.js';
import {Backbone, type BackboneOutput} from '../backbone.js';

/** Every convolution has a bias, also before a normalisation that takes it out again. */
class Convolved extends Layer {
  readonly conv: Conv2d;

  constructor(inputs: number, outputs: number, kernel = 1, isPrediction = false) {
    super();
    this.conv = new Conv2d(inputs, outputs, kernel, {padding: (kernel - 1) / 2, isPrediction});
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.conv.forward(x);
  }
}

/** A convolution, normalisation and ReLU. */
class ConvolvedReLU extends Layer {
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;

  constructor(inputs: number, outputs: number, kernel = 1, stride = 1) {
    super();
    this.conv = new Conv2d(inputs, outputs, kernel, {stride, padding: (kernel - 1) / 2});
    this.bn = new BatchNorm2d(outputs);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return convBatchNorm(this.conv, this.bn, x, 'relu');
  }
}

/**
 * The residual module (Fig. 4, left) with normalisation and ReLU before each convolution. The input itself, projected
 * where the widths differ, is added; files of the published code hold the projection of every module, used or not.
 */
class Residual extends Layer {
  readonly bn1: BatchNorm2d;
  readonly conv1: Convolved;
  readonly bn2: BatchNorm2d;
  readonly conv2: Convolved;
  readonly bn3: BatchNorm2d;
  readonly conv3: Convolved;
  readonly skip_layer: Convolved | null;

  constructor(inputs: number, outputs: number) {
    super();
    const middle = Math.floor(outputs / 2);
    this.bn1 = new BatchNorm2d(inputs);
    this.conv1 = new Convolved(inputs, middle);
    this.bn2 = new BatchNorm2d(middle);
    this.conv2 = new Convolved(middle, middle, 3);
    this.bn3 = new BatchNorm2d(middle);
    this.conv3 = new Convolved(middle, outputs);
    this.skip_layer = inputs === outputs ? null : new Convolved(inputs, outputs);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const active = this.bn1.activated(x, 'relu');
      const narrow = convBatchNorm(this.conv1.conv, this.bn2, active, 'relu');
      const mixed = convBatchNorm(this.conv2.conv, this.bn3, narrow, 'relu');
      return tf.add(this.conv3.forward(mixed), this.skip_layer?.forward(x) ?? x);
    });
  }
}

/** How often an hourglass halves its features (Sect. 3.1: from 64×64 down to 4×4). */
const DEPTH = 4;

/** One level of an hourglass (Fig. 3): what stays at this resolution, and what goes through the lower ones. */
class HourglassLevel extends Layer {
  readonly up1: Residual;
  readonly low1: Residual;
  readonly low2: Layer;
  readonly low3: Residual;

  constructor(depth: number, channels: number) {
    super();
    this.up1 = new Residual(channels, channels);
    this.low1 = new Residual(channels, channels);
    this.low2 = depth > 1 ? new HourglassLevel(depth - 1, channels) : new Residual(channels, channels);
    this.low3 = new Residual(channels, channels);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const high = this.up1.forward(x);
      const halved = this.low1.forward(maxPool(x, {kernel: 2, stride: 2, padding: 0}));
      const low = this.low3.forward(this.low2.forward(halved));
      return tf.add(high, resizeNearest(low, [x.shape[1], x.shape[2]]));
    });
  }
}

/** Brings features or heatmaps to the input of the next stack. */
class Merge extends Layer {
  readonly conv: Convolved;

  constructor(inputs: number, outputs: number) {
    super();
    this.conv = new Convolved(inputs, outputs);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.conv.forward(x);
  }
}

/** Widths of the layers before the first hourglass, at a half and at a quarter of the resolution. */
const STEM = {half: 64, quarter: 128} as const;

function each<T>(count: number, make: () => T): T[] {
  return Array.from({length: count}, make);
}

/**
 * All stacks up to the features of the last one; the heatmaps of the last are the head's. Those of the others, which go
 * on into the next stack, are made here and supervised with the same weight (Sect. 3.2).
 */
export class StackedHourglass extends Backbone {
  readonly pre: Sequential;
  readonly hgs: Sequential[];
  readonly features: Sequential[];
  readonly outs: Convolved[];
  readonly merge_features: Merge[];
  readonly merge_preds: Merge[];
  override readonly channels: number;
  override readonly stride = 4;
  override readonly finalLayer: string;

  constructor({stacks, channels}: HourglassConfig, keypoints: number) {
    super();
    this.pre = new Sequential(
      new ConvolvedReLU(3, STEM.half, 7, 2),
      new Residual(STEM.half, STEM.quarter),
      new MaxPool2d(2),
      new Residual(STEM.quarter, STEM.quarter),
      new Residual(STEM.quarter, channels),
    );
    this.hgs = each(stacks, () => new Sequential(new HourglassLevel(DEPTH, channels)));
    this.features = each(
      stacks,
      () => new Sequential(new Residual(channels, channels), new ConvolvedReLU(channels, channels)),
    );
    this.outs = each(stacks - 1, () => new Convolved(channels, keypoints, 1, true));
    this.merge_features = each(stacks - 1, () => new Merge(channels, channels));
    this.merge_preds = each(stacks - 1, () => new Merge(keypoints, channels));
    this.channels = channels;
    this.finalLayer = `outs.${stacks - 1}.conv`;
  }

  override get stages(): readonly (readonly string[])[] {
    const parts = ['hgs', 'features', 'outs', 'merge_features', 'merge_preds'];
    return [['pre'], ...this.hgs.map((_, stack) => parts.map((part) => `${part}.${stack}`))];
  }

  override forward(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.forwardInTraining(images).features);
  }

  override forwardInTraining(images: tf.Tensor4D): BackboneOutput {
    return tf.tidy(() => {
      const intermediate: BackboneOutput['intermediate'] = [];
      let x = this.pre.forward(images);
      for (let stack = 0; stack < this.outs.length; stack++) {
        const {heatmaps, next} = this.#goOn(x, stack);
        intermediate.push({outputs: [heatmaps], weight: 1});
        // Freed at once, and not at the end of the stacks.
        x.dispose();
        x = next;
      }
      return {features: this.#featuresOf(x, this.outs.length), intermediate};
    });
  }

  /** Heatmaps of a stack, and the input of the next one. */
  #goOn(x: tf.Tensor4D, stack: number): {heatmaps: tf.Tensor4D; next: tf.Tensor4D} {
    return tf.tidy(() => {
      const features = this.#featuresOf(x, stack);
      const heatmaps = this.outs[stack].forward(features);
      const merged = [
        this.merge_preds[stack].forward(heatmaps),
        this.merge_features[stack].forward(features),
      ];
      return {heatmaps, next: tf.addN([x, ...merged])};
    });
  }

  #featuresOf(x: tf.Tensor4D, stack: number): tf.Tensor4D {
    return this.features[stack].forward(this.hgs[stack].forward(x));
  }
}
