/** @file Weight decay apart from the gradients (Loshchilov & Hutter 2019, Alg. 2); before Adam's step it makes AdamW. */
import * as tf from '@tensorflow/tfjs';
import {noteInPlaceChange} from './inPlace.js';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

export interface WeightDecay {
  /** Changed in place. */
  readonly parameters: readonly tf.Variable[];
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** p ← p·(1 − learningRate·weightDecay) for every parameter, as PyTorch's AdamW begins its step. */
export function decayWeights(decay: WeightDecay): void {
  if (hasKernel(KERNELS.decayWeights)) {
    runKernelMany(KERNELS.decayWeights, {}, decay);
    decay.parameters.forEach(noteInPlaceChange);
    return;
  }
  const factor = 1 - decay.learningRate * decay.weightDecay;
  for (const parameter of decay.parameters) tf.tidy(() => parameter.assign(tf.mul(parameter, factor)));
}
