/** @file How often something is done: every so many epochs, steps or minutes. */
import type {Progress} from '../trainer.js';

export interface Cadence {
  readonly count: number;
  readonly unit: 'epoch' | 'step' | 'minute';
}

/** Of `5`, `2 epochs`, `500 steps` or `15 minutes`, which the schema has checked; a bare number is of epochs. */
export function parseCadence(text: number | string): Cadence {
  const [count, unit = 'epochs'] = String(text).split(' ');
  return {count: Number(count), unit: unit.replace(/s$/, '') as Cadence['unit']};
}

export interface Moment extends Progress {
  /** Since it was done last. */
  readonly minutes: number;
  readonly isEpochEnd: boolean;
}

/** Steps and epochs are counted from the run's start, so that a run that was resumed does it at the same ones. */
export function isDue({count, unit}: Cadence, {step, epoch, minutes, isEpochEnd}: Moment): boolean {
  if (unit === 'minute') return minutes >= count;
  if (unit === 'step') return step % count === 0;
  return isEpochEnd && epoch % count === 0;
}
