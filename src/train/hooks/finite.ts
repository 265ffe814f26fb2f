/** @file Ends a run whose loss is no longer a number, before a checkpoint of it is written. */
import {UserError} from '../../errors.js';

/**
 * @returns the loss
 * @throws UserError if it is not finite; the weights were not changed by it
 */
export function finiteLoss(loss: number, step: number): number {
  if (Number.isFinite(loss)) return loss;
  throw new UserError(
    'diverged',
    `The loss became ${loss} at step ${step + 1}; the weights were left as they were before it. ` +
      'Try a lower train.optimizer.learningRate or a longer train.schedule.warmupSteps, and check the data.',
  );
}
