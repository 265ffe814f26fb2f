/** @file Warns of a loss that leaps, and of one that is zero all the time. */
import {formatNumber} from '../../report/format.js';
import type {Hook, Run, StepReport} from '../trainer.js';

/** So many of the last losses say what is usual … */
const WINDOW = 100;
/** … once there are so many. */
const FEWEST = 20;
/** Standard deviations above the mean. */
const LEAP = 10;
/** Less than this share of the mean is no deviation. */
const SMALLEST_DEVIATION = 1e-3;
/** After so many leaps in a row the loss has a new level. */
const NEW_LEVEL = 5;
/** Steps of a loss of zero. */
const ZEROS = 50;

export class LossWatchHook implements Hook {
  #recent: number[] = [];
  #leaps = 0;
  #zeros = 0;

  constructor(private readonly warn: (line: string) => void) {}

  afterStep({progress: {step}}: Run, {loss, skipped}: StepReport): void {
    if (skipped) return;
    this.#watchZeros(loss);
    const {mean, deviation} = usual(this.#recent);
    const isLeap = this.#recent.length >= FEWEST && loss - mean > LEAP * deviation;
    if (!isLeap) {
      this.#leaps = 0;
      this.#recent = [...this.#recent, loss].slice(-WINDOW);
      return;
    }
    if (this.#leaps++ === 0) {
      const score = (loss - mean) / deviation;
      this.warn(
        `the loss leapt to ${formatNumber(loss)} at step ${step}, ${formatNumber(score)} standard deviations above its ` +
          `mean of ${formatNumber(mean)}. If it stays there, try a lower train.optimizer.learningRate or train.clipGradNorm.`,
      );
    }
    if (this.#leaps === NEW_LEVEL) this.#recent = [];
  }

  #watchZeros(loss: number): void {
    this.#zeros = loss === 0 ? this.#zeros + 1 : 0;
    if (this.#zeros !== ZEROS) return;
    this.warn(
      `the loss was exactly 0 for ${ZEROS} steps: no keypoint takes part in it. Look at the samples with ` +
        '"pose-data show"; are the keypoints labelled as visible, and is dataset.keypoints the right set?',
    );
  }
}

function usual(losses: readonly number[]): {mean: number; deviation: number} {
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const variance = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / losses.length;
  return {mean, deviation: Math.max(Math.sqrt(variance), SMALLEST_DEVIATION * Math.abs(mean))};
}
