/** @file Batch normalisation multiplied into the convolution before it: (x ∗ w)·f + s = x ∗ (w·f) + s. */
import * as tf from '@tensorflow/tfjs';
import type {BatchNormState} from '../engine/ops/batchNorm.js';
import {changesOf} from '../engine/ops/inPlace.js';

/** Weight [kernel, kernel, inputs, outputs] and bias [outputs] of a convolution. */
export interface ConvolutionWeights {
  readonly weight: tf.Tensor4D;
  readonly bias: tf.Tensor1D | null;
}

interface Folded {
  readonly weight: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
  /** What it was made from: data, and how often they had been changed. */
  readonly sources: readonly (readonly [tf.DataId, number])[];
}

/** The folded weights of one convolution, made once for the same weights and statistics. */
export class FoldedWeights {
  #folded: Folded | null = null;

  get({weight, bias}: ConvolutionWeights, norm: BatchNormState, epsilon: number): Folded {
    const sources = [weight, bias, norm.scale, norm.offset, norm.runningMean, norm.runningVariance]
      .filter((tensor) => tensor !== null)
      .map((tensor) => [tensor.dataId, changesOf(tensor)] as const);
    const isKnown = sources.every(([data, changes], i) => {
      const known = this.#folded?.sources[i];
      return known?.[0] === data && known[1] === changes;
    });
    if (isKnown) return this.#folded!;
    this.free();
    this.#folded = {...fold({weight, bias}, norm, epsilon), sources};
    return this.#folded;
  }

  free(): void {
    if (this.#folded) tf.dispose([this.#folded.weight, this.#folded.bias]);
    this.#folded = null;
  }
}

function fold(
  {weight, bias}: ConvolutionWeights,
  {scale, offset, runningMean, runningVariance}: BatchNormState,
  epsilon: number,
): Pick<Folded, 'weight' | 'bias'> {
  return tf.tidy(() => {
    const factor = tf.mul<tf.Tensor1D>(scale, tf.rsqrt(tf.add(runningVariance, epsilon)));
    const mean = bias ? tf.sub(runningMean, bias) : runningMean;
    return {
      weight: tf.keep(tf.mul<tf.Tensor4D>(weight, factor)),
      bias: tf.keep(tf.sub<tf.Tensor1D>(offset, tf.mul(mean, factor))),
    };
  });
}
