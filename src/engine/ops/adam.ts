/** @file One step of Adam over all parameters at once (Kingma & Ba 2015, Alg. 1). */
import * as tf from '@tensorflow/tfjs';
import {noteInPlaceChange} from './inPlace.js';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

export interface AdamStep {
  /** Changed in place, as are the moments; lists in the same order. */
  readonly parameters: readonly tf.Variable[];
  readonly gradients: readonly tf.Tensor[];
  readonly firstMoments: readonly tf.Variable[];
  readonly secondMoments: readonly tf.Variable[];
  /** Counts from 1; enters the bias correction. */
  readonly step: number;
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
}

/** Moves the parameters and both moments by one step; ε is added to the corrected root, as in PyTorch. */
export function adamStep(step: AdamStep): void {
  if (step.parameters.length === 0) return;
  if (hasKernel(KERNELS.adam)) {
    runKernelMany(KERNELS.adam, {}, step);
    step.parameters.forEach(noteInPlaceChange);
    return;
  }
  step.parameters.forEach((parameter, i) => {
    tf.tidy(() => stepOne(parameter, step.gradients[i], step.firstMoments[i], step.secondMoments[i], step));
  });
}

function stepOne(
  parameter: tf.Variable,
  gradient: tf.Tensor,
  first: tf.Variable,
  second: tf.Variable,
  {step, learningRate, betas: [beta1, beta2], epsilon}: AdamStep,
): void {
  first.assign(tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1)));
  second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
  const denominator = tf.add(tf.div(tf.sqrt(second), Math.sqrt(1 - beta2 ** step)), epsilon);
  parameter.assign(tf.sub(parameter, tf.mul(tf.div(first, denominator), learningRate / (1 - beta1 ** step))));
}
