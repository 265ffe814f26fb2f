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

  /** Without layers it gives what it gets. */
  get isEmpty(): boolean {
    return this.#layers.length === 0;
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    let y = x;
    for (const step of this.#steps()) {
      const next = step(y);
      // Freed at once, and not at the end of the row.
      if (y !== x && next !== y) y.dispose();
      y = next;
    }
    return y;
  }

  *#steps(): Generator<(x: tf.Tensor4D) => tf.Tensor4D> {
    for (let i = 0; i < this.#layers.length; i++) {
      const [layer, next, afterNext] = this.#layers.slice(i, i + 3);
      if (layer instanceof Conv2d && next instanceof BatchNorm2d) {
        const isActivated = afterNext instanceof ReLU;
        yield (x) => convBatchNorm(layer, next, x, isActivated ? 'relu' : 'none');
        i += isActivated ? 2 : 1;
      } else if (layer instanceof BatchNorm2d && next instanceof ReLU) {
        yield (x) => layer.activated(x, 'relu');
        i++;
      } else {
        yield (x) => layer.forward(x);
      }
    }
  }
}
