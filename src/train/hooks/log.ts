/** @file The live line on the console and the `train` events of metrics.jsonl. */
import type {RunConsole} from '../../report/console.js';
import type {MetricsLog} from '../../report/metricsLog.js';
import {ProgressMeter, progressLine} from '../../report/progress.js';
import type {Hook, Run, StepReport} from '../trainer.js';

export class LogHook implements Hook {
  readonly #meter = new ProgressMeter();

  constructor(
    private readonly console: RunConsole,
    private readonly metrics: MetricsLog,
    /** Steps between events of the log. */
    private readonly logEvery: number,
  ) {}

  afterStep(run: Run, report: StepReport): void {
    if (report.skipped) return;
    const {milliseconds, waitedMilliseconds, samples} = report;
    this.#meter.addStep({
      seconds: milliseconds / 1000,
      waitSeconds: waitedMilliseconds / 1000,
      images: samples,
    });
    this.console.progress(() => this.#line(run, report));
    if (run.progress.step % this.logEvery === 0) this.#append(run, report);
  }

  #line({progress, options, totalSteps}: Run, {loss, learningRate}: StepReport): string {
    const {imagesPerSecond, dataWaitShare} = this.#meter;
    return progressLine({
      epoch: progress.epoch + 1,
      epochs: options.epochs,
      step: progress.nextBatch,
      steps: options.source.batchesPerEpoch,
      loss,
      learningRate,
      imagesPerSecond,
      dataWaitShare,
      secondsLeft: this.#meter.secondsLeft(totalSteps - progress.step),
    });
  }

  #append({progress}: Run, {loss, gradNorm, learningRate}: StepReport): void {
    const {imagesPerSecond, dataWaitShare} = this.#meter;
    const {step, epoch} = progress;
    const values = {loss, gradNorm, learningRate, imagesPerSecond, dataWaitShare};
    this.metrics.append({type: 'train', step, epoch, ...values});
  }
}
