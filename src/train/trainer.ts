/**
 * @file The training loop. It knows no model: an update turns batches into a change of the weights. What else happens
 * (log, evaluate, checkpoint, signals) is done by hooks, in the order in which they are given.
 */
import {setImmediate} from 'node:timers/promises';
import type {LoadedBatch} from '../data/types.js';
import {StepRecord, type StepTimes} from './stepRecord.js';

/**
 * Where a run stands: `step` updates lie behind it, in the weights unless they were left out; batch `nextBatch` of
 * `epoch` is next.
 */
export interface Progress {
  step: number;
  epoch: number;
  nextBatch: number;
}

/** What came of one step. */
export interface StepOutcome {
  /** The mean over the step's batches; NaN if the step was left out. */
  readonly loss: number;
  /** What the loss is the sum of, by name, as far as the task tells. */
  readonly terms: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** The length of the gradient over all parameters, before it is clipped. */
  readonly gradNorm: number;
  /** The weights were not changed. */
  readonly skipped: boolean;
}

/** What one step reports. */
export type StepReport = StepOutcome & StepTimes;

export interface Hook {
  beforeTraining?(run: Run): Promise<void> | void;
  afterStep?(run: Run, report: StepReport): Promise<void> | void;
  afterEpoch?(run: Run): Promise<void> | void;
  afterTraining?(run: Run): Promise<void> | void;
}

/**
 * Works a batch into step number `step`, counted from 0; with its last batch the weights change.
 * @returns null before the last batch
 */
export type Update = (
  batch: LoadedBatch,
  step: number,
  isLast: boolean,
) => StepOutcome | null | Promise<StepOutcome | null>;

/** Batches of an epoch, from some batch on. */
export interface BatchSource {
  readonly batchesPerEpoch: number;
  batches(epoch: number, startBatch: number): AsyncGenerator<LoadedBatch>;
}

export interface RunOptions {
  readonly epochs: number;
  readonly source: BatchSource;
  readonly update: Update;
  /** Batches that make one step; the last step of an epoch takes what is left. */
  readonly accumulate?: number;
  readonly hooks: readonly Hook[];
  readonly progress?: Progress;
}

/** A training run: its position and the loop over it. */
export class Run {
  readonly progress: Progress;
  /** Set by a hook: the loop ends after the step in progress. */
  stopRequested = false;
  #isMoved = false;

  constructor(readonly options: RunOptions) {
    this.progress = options.progress ?? {step: 0, epoch: 0, nextBatch: 0};
  }

  get totalSteps(): number {
    return this.options.epochs * stepsPerEpoch(this.options);
  }

  /** For a hook, after a step: the loop goes on from another place. */
  goTo(progress: Progress): void {
    Object.assign(this.progress, progress);
    this.#isMoved = true;
  }

  /** Takes the epoch that has just ended for one whose validation is still to come: where a run stands that goes on. */
  postponeValidation(): void {
    this.progress.epoch--;
    this.progress.nextBatch = this.options.source.batchesPerEpoch;
  }

  async train(): Promise<void> {
    const {progress, options} = this;
    await this.#tell((hook) => hook.beforeTraining?.(this));
    while (progress.epoch < options.epochs && !this.stopRequested) {
      this.#isMoved = false;
      await this.#trainEpoch();
      if (this.stopRequested || this.#isMoved) continue;
      progress.epoch++;
      progress.nextBatch = 0;
      await this.#tell((hook) => hook.afterEpoch?.(this));
    }
    await this.#tell((hook) => hook.afterTraining?.(this));
  }

  async #trainEpoch(): Promise<void> {
    const {progress} = this;
    const {source, update, accumulate = 1} = this.options;
    let record = new StepRecord();
    for await (const batch of source.batches(progress.epoch, progress.nextBatch)) {
      record.arrived(batch);
      const next = progress.nextBatch + record.batches;
      const isLast = record.batches === accumulate || next === source.batchesPerEpoch;
      const outcome = await update(batch, progress.step, isLast);
      // A turn of the event loop, or signals would be lost and native memory never given back.
      await setImmediate();
      record.done();
      if (!outcome) continue;
      progress.step++;
      progress.nextBatch = next;
      const report = {...outcome, ...record.times()};
      await this.#tell((hook) => hook.afterStep?.(this, report));
      if (this.stopRequested || this.#isMoved) break;
      record = new StepRecord();
    }
  }

  async #tell(call: (hook: Hook) => Promise<void> | void | undefined): Promise<void> {
    for (const hook of this.options.hooks) await call(hook);
  }
}

/** Steps in an epoch, of which the last may be of fewer batches. */
export function stepsPerEpoch({source, accumulate = 1}: Pick<RunOptions, 'source' | 'accumulate'>): number {
  return Math.ceil(source.batchesPerEpoch / accumulate);
}
