/** @file The two residual blocks of He et al. 2016 (Fig. 5), as ResNet and HRNet use them. */
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

/** The way past a block whose output has another size than its input; null where nothing has to be done. */
function shortcut(inputs: number, outputs: number, stride: number): Sequential | null {
  if (inputs === outputs && stride === 1) return null;
  return new Sequential(new Conv2d(inputs, outputs, 1, {stride, bias: false}), new BatchNorm2d(outputs));
}

/** Two 3×3 convolutions, and the input, projected where the sizes differ. */
export class BasicBlock extends Layer {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inputs: number, width = inputs, stride = 1) {
    super();
    this.conv1 = conv3x3(inputs, width, stride);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv3x3(width, width);
    this.bn2 = new BatchNorm2d(width);
    this.downsample = shortcut(inputs, width, stride);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const y = convBatchNorm(this.conv1, this.bn1, x, 'relu');
      const residual = this.downsample?.forward(x) ?? x;
      return convBatchNorm(this.conv2, this.bn2, y, 'relu', residual);
    });
  }
}

/** Width of a bottleneck's output in units of its inner width. */
export const BOTTLENECK_EXPANSION = 4;

/**
 * 1×1, 3×3, 1×1 convolutions around a narrow middle, and the input, projected where the sizes differ. The middle has
 * the stride, as in torchvision's weights; the paper's first convolution had it.
 */
export class Bottleneck extends Layer {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inputs: number, width: number, stride = 1) {
    super();
    const outputs = width * BOTTLENECK_EXPANSION;
    this.conv1 = conv1x1(inputs, width);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv3x3(width, width, stride);
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = conv1x1(width, outputs);
    this.bn3 = new BatchNorm2d(outputs);
    this.downsample = shortcut(inputs, outputs, stride);
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
