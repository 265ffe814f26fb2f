/** @file One step of gradient descent with momentum over all parameters at once, as PyTorch's SGD counts it. */
import * as tf from '@tensorflow/tfjs';
import {noteInPlaceChange} from './inPlace.js';
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

export interface SgdStep {
  /** Changed in place, as are the velocities; lists in the same order. */
  readonly parameters: readonly tf.Variable[];
  readonly gradients: readonly tf.Tensor[];
  /** Zeros before the first step; not needed without momentum. */
  readonly velocities: readonly tf.Variable[];
  readonly learningRate: number;
  /** Share of the velocity that stays; 0 for plain gradient descent. */
  readonly momentum: number;
  /** Looks ahead by the momentum (Sutskever et al. 2013, eq. 3–4). */
  readonly nesterov: boolean;
  /** Added to the gradients, times the parameters. */
  readonly weightDecay: number;
}

/**
 * With g = gradient + weightDecay·p: v ← momentum·v + g; p ← p − learningRate·v, or with Nesterov's look ahead
 * p − learningRate·(g + momentum·v).
 * @throws Error if the lists differ in length
 */
export function sgdStep(step: SgdStep): void {
  const {parameters, gradients, velocities, momentum} = step;
  const fits =
    gradients.length === parameters.length && (momentum === 0 || velocities.length === parameters.length);
  if (!fits) {
    throw new Error(
      `sgd: ${parameters.length} parameters, ${gradients.length} gradients, ${velocities.length} velocities`,
    );
  }
  if (hasKernel(KERNELS.sgd)) {
    runKernelMany(KERNELS.sgd, {}, step);
    parameters.forEach(noteInPlaceChange);
    return;
  }
  parameters.forEach((parameter, i) => {
    tf.tidy(() => stepOne(parameter, gradients[i], velocities[i], step));
  });
}

function stepOne(
  parameter: tf.Variable,
  gradient: tf.Tensor,
  velocity: tf.Variable | undefined,
  {learningRate, momentum, nesterov, weightDecay}: SgdStep,
): void {
  const decayed = tf.add(gradient, tf.mul(parameter, weightDecay));
  let direction: tf.Tensor = decayed;
  if (momentum !== 0) {
    velocity!.assign(tf.add(tf.mul(velocity!, momentum), decayed));
    direction = nesterov ? tf.add(decayed, tf.mul(velocity!, momentum)) : velocity!;
  }
  parameter.assign(tf.sub(parameter, tf.mul(direction, learningRate)));
}
