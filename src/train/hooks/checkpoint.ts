/** @file Saves checkpoints by the protocol while the training goes on, and when a signal asks for one. */
import type {CheckpointContents} from '../../checkpoint/save.js';
import type {SaveJob} from '../../checkpoint/saveJob.js';
import {saveInThread} from '../../checkpoint/saveThread.js';
import {UserError} from '../../errors.js';
import type {Hook, Progress, Run} from '../trainer.js';
import {type Cadence, isDue} from './cadence.js';

/** The best validation so far. */
export interface Best {
  readonly step: number;
  readonly epoch: number;
  readonly figure: number;
}

export interface CheckpointHookOptions {
  /** The run's `checkpoints/`. */
  readonly folder: string;
  readonly keep: number;
  readonly every: Cadence;
  /** The step from which the run goes on: it is on the disk; null at the start. */
  readonly resumedStep: number | null;
  /** A snapshot of the run in memory of its own, without its progress. */
  readonly contents: () => CheckpointContents;
  readonly best: () => Best | null;
  readonly warn: (line: string) => void;
  /** Carries out a job; by default in a thread. */
  readonly carryOut?: (job: SaveJob, warn: (line: string) => void) => Promise<void>;
}

/** After so many failed saves in a row … */
const MOST_FAILURES = 3;
/** … or so long after the first of them, the run ends rather than train what cannot be kept. */
const LONGEST_FAILING_MINUTES = 60;
const RETRY_MILLISECONDS = 1000;
const MINUTE = 60_000;

/**
 * A snapshot is taken between two steps, and written while the training goes on: at most one at a time. Besides the
 * cadence, a checkpoint is saved after a validation that is the best so far and after the last epoch.
 */
export class CheckpointHook implements Hook {
  /** The save under way; it never rejects. */
  #underWay: Promise<void> = Promise.resolve();
  /** What ends the run at its next step. */
  #fatal: {readonly error: unknown} | null = null;
  #failures: {count: number; readonly since: number; latest: UserError} | null = null;
  #savedStep: number | null;
  #lastSave = performance.now();

  constructor(private readonly options: CheckpointHookOptions) {
    this.#savedStep = options.resumedStep;
  }

  async afterStep(run: Run): Promise<void> {
    this.#raise();
    const {progress} = run;
    // The epoch's last step is saved together with its validation.
    if (progress.nextBatch === run.options.source.batchesPerEpoch) return;
    if (this.#isDue(progress, false)) await this.save(progress);
  }

  async afterEpoch(run: Run): Promise<void> {
    this.#raise();
    const {progress, options} = run;
    const isBest = this.options.best()?.step === progress.step;
    const isLast = progress.epoch === options.epochs;
    if (isBest || isLast || this.#isDue(progress, true)) await this.save(progress);
  }

  /** @throws UserError 'storage' if the run's end could not be saved */
  async afterTraining(): Promise<void> {
    await this.settled();
    const {folder} = this.options;
    if (this.#failures) {
      const {message} = this.#failures.latest;
      throw new UserError('storage', `${folder}: the run's last state could not be saved. ${message}`);
    }
  }

  /**
   * Takes a snapshot and begins to save it; `settled` tells of its end. A failed save is warned of, and the training
   * goes on.
   * @throws UserError 'storage' if saves before it failed too often
   */
  async save(progress: Readonly<Progress>): Promise<void> {
    await this.settled();
    const {folder, keep, contents, best, warn, carryOut = saveInThread} = this.options;
    const {step} = progress;
    const snapshot = step === this.#savedStep ? null : contents();
    const job: SaveJob = {
      ...{folder, step, keep, best: best()?.step ?? null, retryMilliseconds: RETRY_MILLISECONDS},
      contents: snapshot && {...snapshot, state: {...snapshot.state, ...progress}},
    };
    this.#lastSave = performance.now();
    this.#underWay = carryOut(job, warn).then(
      () => {
        this.#failures = null;
        this.#savedStep = step;
      },
      (error: unknown) => this.#failed(error, step),
    );
  }

  /**
   * Waits until no save is under way.
   * @throws UserError 'storage' if saves failed too often; whatever else went wrong in one
   */
  async settled(): Promise<void> {
    await this.#underWay;
    this.#raise();
  }

  /** The run went back to the checkpoint of `step`: what it saved after that is saved anew when it comes by. */
  goBack(step: number): void {
    this.#savedStep = step;
  }

  /** Waits until no save is under way, however it ended: for a run that ends by an error of its own. */
  async idle(): Promise<void> {
    await this.#underWay;
  }

  #isDue(progress: Progress, isEpochEnd: boolean): boolean {
    const minutes = (performance.now() - this.#lastSave) / MINUTE;
    return isDue(this.options.every, {...progress, isEpochEnd, minutes});
  }

  #raise(): void {
    if (this.#fatal) throw this.#fatal.error;
  }

  #failed(error: unknown, step: number): void {
    if (!(error instanceof UserError)) {
      this.#fatal = {error};
      return;
    }
    const now = performance.now();
    const {count, since} = this.#failures ?? {count: 0, since: now};
    this.#failures = {count: count + 1, since, latest: error};
    if (count + 1 < MOST_FAILURES && now - since < LONGEST_FAILING_MINUTES * MINUTE) {
      this.options.warn(`No checkpoint was saved at step ${step}; the training goes on. ${error.message}`);
      return;
    }
    const failed = `${count + 1} saves in a row failed, the last at step ${step}: the run ends`;
    this.#fatal = {error: new UserError(error.kind, `${failed}. ${error.message}`)};
  }
}
