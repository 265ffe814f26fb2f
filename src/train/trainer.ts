/**
 * @file The training loop. It knows no model: a task turns a batch into an update. What else happens (log,
 * evaluate, checkpoint, signals) is done by hooks, in the order in which they are given.
 */
import {setImmediate} from 'node:timers/promises';
import type {Batch, BatchWork, LoadedBatch, ReplacedSample} from '../data/types.js';

/** Where a run stands. `step` updates are in the weights; batch `nextBatch` of `epoch` is next. */
export interface Progress {
  step: number;
  epoch: number;
  nextBatch: number;
}

/** What one update reports. */
export interface StepReport {
  readonly loss: number;
  readonly learningRate: number;
  readonly samples: number;
  /** Time of the whole step, and the part of it spent waiting for data. */
  readonly milliseconds: number;
  readonly waitedMilliseconds: number;
  /** Samples of the batch that could not be used, and what the batch took in the loader. */
  readonly replaced: readonly ReplacedSample[];
  readonly work: BatchWork;
}

export interface Hook {
  beforeTraining?(run: Run): Promise<void> | void;
  afterStep?(run: Run, report: StepReport): Promise<void> | void;
  afterEpoch?(run: Run): Promise<void> | void;
  afterTraining?(run: Run): Promise<void> | void;
}

/** One update of the weights from a batch. */
export type Update = (batch: Batch, step: number) => {loss: number; learningRate: number};

/** Batches of an epoch, from some batch on. */
export interface BatchSource {
  readonly batchesPerEpoch: number;
  batches(epoch: number, startBatch: number): AsyncGenerator<LoadedBatch>;
}

export interface RunOptions {
  readonly epochs: number;
  readonly source: BatchSource;
  readonly update: Update;
  readonly hooks: readonly Hook[];
  readonly progress?: Progress;
}

/** A training run: its position and the loop over it. */
export class Run {
  readonly progress: Progress;
  /** Set by a hook: the loop ends after the step in progress. */
  stopRequested = false;

  constructor(readonly options: RunOptions) {
    this.progress = options.progress ?? {step: 0, epoch: 0, nextBatch: 0};
  }

  get totalSteps(): number {
    return this.options.epochs * this.options.source.batchesPerEpoch;
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
      await this.#trainEpoch();
      if (this.stopRequested) break;
      progress.epoch++;
      progress.nextBatch = 0;
      await this.#tell((hook) => hook.afterEpoch?.(this));
    }
    await this.#tell((hook) => hook.afterTraining?.(this));
  }

  async #trainEpoch(): Promise<void> {
    const {progress, options} = this;
    const batches = options.source.batches(progress.epoch, progress.nextBatch);
    let start = performance.now();
    for await (const batch of batches) {
      const ready = performance.now();
      const {loss, learningRate} = options.update(batch, progress.step);
      progress.step++;
      progress.nextBatch++;
      // A turn of the event loop, or signals would be lost and native memory never given back.
      await setImmediate();
      const end = performance.now();
      const times = {milliseconds: end - start, waitedMilliseconds: ready - start};
      const {samples, replaced, work} = batch;
      const report = {loss, learningRate, samples: samples.length, ...times, replaced, work};
      await this.#tell((hook) => hook.afterStep?.(this, report));
      if (this.stopRequested) break;
      start = performance.now();
    }
  }

  async #tell(call: (hook: Hook) => Promise<void> | void | undefined): Promise<void> {
    for (const hook of this.options.hooks) await call(hook);
  }
}
