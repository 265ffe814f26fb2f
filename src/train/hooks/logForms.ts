/** @file Keeps the forms of the run's log for other programs up to date: TensorBoard's event files, and metrics.csv. */
import {join} from 'node:path';
import {writeFileAtomic} from '../../checkpoint/files.js';
import {UserError} from '../../errors.js';
import {metricsCsv, scalarsOf} from '../../report/metricsForms.js';
import {type MetricsEvent, type MetricsLog, readMetrics} from '../../report/metricsLog.js';
import type {EventFile} from '../../report/tensorboard/eventFile.js';
import type {Hook} from '../trainer.js';

export interface LogFormsOptions {
  readonly runFolder: string;
  readonly metrics: MetricsLog;
  readonly board: EventFile;
  readonly warn: (line: string) => void;
}

export class LogFormsHook implements Hook {
  #failing = false;
  /** The kinds of events that TensorBoard has of the last step. */
  #latest: {step: number; types: Set<string>} = {step: 0, types: new Set()};

  constructor(private readonly options: LogFormsOptions) {
    options.metrics.subscribe((event) => this.#show(event));
  }

  #show(event: MetricsEvent): void {
    const {board} = this.options;
    const {step, type} = event;
    const scalars = scalarsOf(event);
    if (Object.keys(scalars).length === 0) return;
    // A run that diverged went back to a checkpoint.
    if (step < this.#latest.step || (step === this.#latest.step && this.#latest.types.has(type)))
      board.goBack(step);
    if (step !== this.#latest.step) this.#latest = {step, types: new Set()};
    this.#latest.types.add(type);
    board.scalars(step, scalars);
  }

  async afterEpoch(): Promise<void> {
    this.options.board.sync();
    await this.#writeTable();
  }

  async afterTraining(): Promise<void> {
    await this.afterEpoch();
  }

  /** Made anew of the whole log: a run that goes on has no row twice. */
  async #writeTable(): Promise<void> {
    const {runFolder, metrics, warn} = this.options;
    if (!metrics.isComplete) return;
    const file = join(runFolder, 'metrics.csv');
    try {
      await writeFileAtomic(file, metricsCsv(readMetrics(metrics.file)));
      this.#failing = false;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (!this.#failing) warn(`${error.message} The training goes on.`);
      this.#failing = true;
    }
  }
}
