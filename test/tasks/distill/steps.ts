/** @file A distillation step of drawn features and outputs, and the gradients of a method's terms. */
import type * as tf from '@tensorflow/tfjs';
import {valueAndGradients} from '../../../src/engine/gradients.js';
import {stream} from '../../../src/random.js';
import {tensorDraws} from '../../../src/tasks/distill/draws.js';
import {
  type DistillMethod,
  type DistillStep,
  type LossTerm,
  summed,
} from '../../../src/tasks/distill/method.js';
import {drawn} from '../../engine/compare.js';

export const CHANNELS = {student: 6, teacher: 10} as const;

/** Features on grids of 4 × 3 cells, outputs as given; always the same. */
export function stepOf(outputs: {student?: tf.Tensor[]; teacher?: tf.Tensor[]} = {}): DistillStep {
  return {
    student: {
      features: drawn<tf.Rank.R4>('student', [3, 4, 3, CHANNELS.student]),
      outputs: outputs.student ?? [],
    },
    teacher: {
      features: drawn<tf.Rank.R4>('teacher', [3, 4, 3, CHANNELS.teacher]),
      outputs: outputs.teacher ?? [],
    },
    draws: tensorDraws(stream(0, 'test/distill')),
    progress: 0,
  };
}

/** The terms of a step by name: value and weight. */
export function termsOf(method: DistillMethod, step: DistillStep): Record<string, [number, number]> {
  const {terms} = method.distill(step);
  return Object.fromEntries(terms.map(({name, loss, weight}) => [name, [loss.dataSync()[0], weight]]));
}

/** The gradients of some of a step's terms by variables, as arrays. */
export function gradientsOf(
  method: DistillMethod,
  step: () => DistillStep,
  variables: readonly tf.Variable[],
  isTaken: (term: LossTerm) => boolean = () => true,
): Float32Array[] {
  const {gradients} = valueAndGradients(
    () => summed(method.distill(step()).terms.filter(isTaken)).value,
    variables,
  );
  return gradients.map((gradient) => gradient.dataSync<'float32'>());
}
