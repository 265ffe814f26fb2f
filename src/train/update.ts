/** @file From batches to steps: which are left out, at which learning rate the others are carried out. */
import type {TrainConfig} from '../config/schema.js';
import type {FiniteHook} from './hooks/finite.js';
import {learningRateAt} from './schedules.js';
import type {StepOutcome, Update} from './trainer.js';
import type {Updater} from './updater.js';

const LEFT_OUT: StepOutcome = {loss: Number.NaN, gradNorm: Number.NaN, learningRate: 0, skipped: true};

export function updateOf(
  updater: Updater,
  {schedule, optimizer, epochs}: TrainConfig,
  stepsPerEpoch: number,
  finite: Pick<FiniteHook, 'leavesOut' | 'note'>,
): Update {
  return (batch, step, isLast) => {
    if (finite.leavesOut(step)) return isLast ? LEFT_OUT : null;
    updater.add(batch);
    if (!isLast) return null;
    const learningRate = learningRateAt(schedule, optimizer.learningRate, step, {epochs, stepsPerEpoch});
    const {problem, ...values} = updater.finish(learningRate);
    finite.note(problem);
    return {...values, learningRate, skipped: problem !== null};
  };
}
