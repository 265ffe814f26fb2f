/** @file From batches to steps: which are left out, at which learning rate the others are carried out. */
import type {TrainConfig} from '../config/schema.js';
import type {FiniteHook} from './hooks/finite.js';
import {learningRateAt} from './schedules.js';
import type {StepOutcome, Update} from './trainer.js';
import type {Updater} from './updater.js';
import type {UploadAhead} from './uploadAhead.js';

const LEFT_OUT: StepOutcome = {
  loss: Number.NaN,
  terms: {},
  gradNorm: Number.NaN,
  learningRate: 0,
  skipped: true,
};

export interface UpdateOptions {
  readonly updater: Updater;
  readonly config: TrainConfig;
  readonly stepsPerEpoch: number;
  readonly finite: Pick<FiniteHook, 'leavesOut' | 'note'>;
  /** null: batches are brought to the device when they are needed. */
  readonly ahead?: UploadAhead | null;
}

export function updateOf({updater, config, stepsPerEpoch, finite, ahead}: UpdateOptions): Update {
  const {schedule, optimizer, epochs} = config;
  return async (batch, step, isLast) => {
    if (finite.leavesOut(step)) return isLast ? LEFT_OUT : null;
    updater.task.progress = Math.floor(step / stepsPerEpoch) / epochs;
    if (ahead) {
      updater.addInputs(ahead.take(batch), batch.samples, step);
      // A GPU is still at work on the gradients, and nothing has waited for it yet.
      await ahead.bringNext();
    } else {
      updater.add(batch, step);
    }
    if (!isLast) return null;
    const learningRate = learningRateAt(schedule, optimizer.learningRate, step, {epochs, stepsPerEpoch});
    const {problem, ...values} = updater.finish(learningRate);
    finite.note(problem);
    return {...values, learningRate, skipped: problem !== null};
  };
}
