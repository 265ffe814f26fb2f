/** @file The learning rate as a function of the step: a linear warm-up, then a drop at each milestone. */
import type {Config} from '../config/schema.js';

type ScheduleConfig = Config['train']['schedule'];

/**
 * The learning rate for the update number `step`, counted from 0.
 * @param schedule milestones in epochs, warm-up in steps
 * @param base the learning rate before any drop
 */
export function learningRateAt(
  schedule: ScheduleConfig,
  base: number,
  step: number,
  stepsPerEpoch: number,
): number {
  const {milestones, gamma, warmupSteps, warmupFactor} = schedule;
  const drops = milestones.filter((epoch) => step >= Math.round(epoch * stepsPerEpoch)).length;
  const warmup = step < warmupSteps ? warmupFactor + ((1 - warmupFactor) * step) / warmupSteps : 1;
  return base * gamma ** drops * warmup;
}
