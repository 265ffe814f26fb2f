/** @file The two residual blocks of He et al. 2016 (Fig. 5), as HRNet uses them. */
import * as tf from '@tensorflow/tfjs';
import {BatchNorm2d, Conv2d} from '../../nn/layers.js';
import {Layer} from '../../nn/module.js';
import {convBatchNorm, Sequential} from '../../nn/sequential.js';

export function conv1x1(inputs: number, outputs: number): Conv2d {
  return new Conv2d(inputs, outputs, 1, {bias: false});
}

export function conv3x3(inputs: number, outputs: number, stride = 1): Conv2d {
  return new Conv2d(inputs, outputs, 3, {stride, padding: 1, bias: false});
}

/** Two 3×3 convolutions and the input itself. */
export class BasicBlock extends Layer {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;

  constructor(channels: number) {
    super();
    this.conv1 = conv3x3(channels, channels);
    this.bn1 = new BatchNorm2d(channels);
    this.conv2 = conv3x3(channels, channels);
    this.bn2 = new BatchNorm2d(channels);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const y = convBatchNorm(this.conv1, this.bn1, x, 'relu');
      return convBatchNorm(this.conv2, this.bn2, y, 'relu', x);
    });
  }
}

/** Width of a bottleneck's output in units of its inner width. */
export const BOTTLENECK_EXPANSION = 4;

/** 1×1, 3×3, 1×1 convolutions around a narrow middle, and the input, projected where the widths differ. */
export class Bottleneck extends Layer {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inputs: number, width: number) {
    super();
    const outputs = width * BOTTLENECK_EXPANSION;
    this.conv1 = conv1x1(inputs, width);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv3x3(width, width);
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = conv1x1(width, outputs);
    this.bn3 = new BatchNorm2d(outputs);
    this.downsample =
      inputs === outputs ? null : new Sequential(conv1x1(inputs, outputs), new BatchNorm2d(outputs));
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const narrow = convBatchNorm(this.conv1, this.bn1, x, 'relu');
      const mixed = convBatchNorm(this.conv2, this.bn2, narrow, 'relu');
      const residual = this.downsample?.forward(x) ?? x;
      return convBatchNorm(this.conv3, this.bn3, mixed, 'relu', residual);
    });
  }
}
