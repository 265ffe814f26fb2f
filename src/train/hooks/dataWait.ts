/** @file Says once that the loop waits for its data, and what to do about it. */
import type {Config} from '../../config/schema.js';
import type {BatchWork} from '../../data/types.js';
import {formatShare} from '../../report/format.js';
import type {Hook, Run, StepReport} from '../trainer.js';

/** Over so many steps … */
const WINDOW = 200;
/** … no more than this share of the time should be spent waiting. */
const TOLERABLE_SHARE = 0.2;
/** Threads that work less of their time than this are not what is short. */
const BUSY_SHARE = 0.6;

const ADVICE: Readonly<Record<keyof Omit<BatchWork, 'total'>, string>> = {
  reading: 'Most of it goes into reading files: copy the images to a faster disk, or raise loader.workers',
  decoding: 'Most of it goes into decoding: raise loader.workers, or store the images smaller',
  drawing: 'Most of it goes into warping, augmenting and drawing targets: raise loader.workers',
};

export class DataWaitHook implements Hook {
  #steps: StepReport[] = [];
  #told = false;

  constructor(
    private readonly loader: Config['loader'],
    private readonly warn: (line: string) => void,
  ) {}

  afterStep(_run: Run, report: StepReport): void {
    if (this.#told) return;
    this.#steps.push(report);
    if (this.#steps.length < WINDOW) return;
    const total = sum(this.#steps, ({milliseconds}) => milliseconds);
    const share = sum(this.#steps, ({waitedMilliseconds}) => waitedMilliseconds) / total;
    if (share > TOLERABLE_SHARE) {
      this.#told = true;
      this.warn(
        `for ${WINDOW} steps ${formatShare(share)} of the time was spent waiting for data. ${this.#cause(total)}.`,
      );
    }
    this.#steps = [];
  }

  #cause(milliseconds: number): string {
    const {workers, prefetch} = this.loader;
    if (workers === 0)
      return 'loader.workers=0 makes batches while nothing else goes on: set it to 1 or more';
    const busy = sum(this.#steps, ({work}) => work.total) / (milliseconds * workers);
    if (busy < BUSY_SHARE) {
      return `The ${workers} loader threads were idle ${formatShare(1 - busy)} of it: raise loader.prefetch (${prefetch})`;
    }
    const parts = ['reading', 'decoding', 'drawing'] as const;
    const time = (part: (typeof parts)[number]) => sum(this.#steps, ({work}) => work[part]);
    return ADVICE[parts.reduce((most, part) => (time(part) > time(most) ? part : most))];
  }
}

function sum(steps: readonly StepReport[], value: (step: StepReport) => number): number {
  return steps.reduce((total, step) => total + value(step), 0);
}
