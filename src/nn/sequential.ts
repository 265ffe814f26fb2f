/** @file Layers in a row; a convolution with its normalisation and activation is one step of the engine. */
import * as tf from '@tensorflow/tfjs';
import {isRecording} from '../engine/gradients.js';
import type {Activation} from '../engine/ops/batchNorm.js';
import {BatchNorm2d, Conv2d, ReLU} from './layers.js';
import {Layer} from './module.js';

/**
 * activation(normalised convolution of x + residual). In evaluation, unless a gradient is wanted, one
 * kernel does it all.
 * @param residual of the output's shape, or null; goes with ReLU
 */
export function convBatchNorm(
  conv: Conv2d,
  norm: BatchNorm2d,
  x: tf.Tensor4D,
  activation: Activation = 'none',
  residual: tf.Tensor4D | null = null,
): tf.Tensor4D {
  if (!norm.training && !isRecording()) return conv.forwardNormalized(x, norm, activation, residual);
  return tf.tidy(() => norm.activated(conv.forward(x), activation, residual));
}

/** Layers one after the other, named by their places. */
export class Sequential extends Layer {
  readonly #layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    this.#layers = layers;
  }

  override members(): Iterable<readonly [number, Layer]> {
    return this.#layers.entries();
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      let y = x;
      for (let i = 0; i < this.#layers.length; ) {
        const [layer, next, afterNext] = this.#layers.slice(i, i + 3);
        if (layer instanceof Conv2d && next instanceof BatchNorm2d) {
          const isActivated = afterNext instanceof ReLU;
          y = convBatchNorm(layer, next, y, isActivated ? 'relu' : 'none');
          i += isActivated ? 3 : 2;
        } else {
          y = layer.forward(y);
          i += 1;
        }
      }
      return y;
    });
  }
}
