/** @file The live line on the console and the `train` events of metrics.jsonl. */
import type {RunConsole} from '../../report/console.js';
import type {MetricsLog} from '../../report/metricsLog.js';
import {ProgressMeter, progressLine} from '../../report/progress.js';
import type {Hook, Run, StepReport} from '../trainer.js';

export class LogHook implements Hook {
  readonly #meter = new ProgressMeter();
  /** What comes between epochs: validation, pictures, checkpoints. */
  readonly #breaks = {count: 0, seconds: 0};
  #epochEnded: number | null = null;

  constructor(
    private readonly console: RunConsole,
    private readonly metrics: MetricsLog,
    /** Steps between events of the log. */
    private readonly logEvery: number,
  ) {}

  afterStep(run: Run, report: StepReport): void {
    if (report.skipped) return;
    const {milliseconds, waitedMilliseconds, samples} = report;
    this.#endBreak(milliseconds);
    this.#meter.addStep({
      seconds: milliseconds / 1000,
      waitSeconds: waitedMilliseconds / 1000,
      images: samples,
    });
    this.console.progress(() => this.#line(run, report));
    if (run.progress.step % this.logEvery === 0) this.#append(run, report);
  }

  afterEpoch(): void {
    this.#epochEnded = performance.now();
  }

  /** @param milliseconds that the first step after the break took */
  #endBreak(milliseconds: number): void {
    if (this.#epochEnded === null) return;
    this.#breaks.count++;
    this.#breaks.seconds += Math.max(0, performance.now() - this.#epochEnded - milliseconds) / 1000;
    this.#meter.addEvaluation(this.#breaks.seconds / this.#breaks.count);
    this.#epochEnded = null;
  }

  #line({progress, options, totalSteps}: Run, {loss, learningRate}: StepReport): string {
    const {imagesPerSecond, dataWaitShare} = this.#meter;
    const state = {
      epoch: progress.epoch + 1,
      epochs: options.epochs,
      step: progress.nextBatch,
      steps: options.source.batchesPerEpoch,
      loss,
      learningRate,
      imagesPerSecond,
      dataWaitShare,
      secondsLeft: this.#meter.secondsLeft(totalSteps - progress.step, options.epochs - progress.epoch),
    };
    return progressLine(state, this.console.width - 1);
  }

  #append({progress}: Run, {loss, terms, gradNorm, learningRate}: StepReport): void {
    const {imagesPerSecond, dataWaitShare} = this.#meter;
    const {step, epoch} = progress;
    const named = Object.entries(terms).map(([name, value]) => [`loss.${name}`, value]);
    const values = {
      loss,
      ...Object.fromEntries(named),
      gradNorm,
      learningRate,
      imagesPerSecond,
      dataWaitShare,
    };
    this.metrics.append({type: 'train', step, epoch, ...values});
  }
}
