/** @file Follows every change of the weights with their average. */
import type {WeightAverage} from '../ema.js';
import type {Hook, Run, StepReport} from '../trainer.js';

export class EmaHook implements Hook {
  constructor(private readonly average: WeightAverage) {}

  afterStep(_run: Run, {skipped}: StepReport): void {
    if (!skipped) this.average.update();
  }
}
