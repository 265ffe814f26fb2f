/** @file Samples that could not be used: each in metrics.jsonl, each reason once on the console, a sum at the end. */
import type {RunConsole} from '../../report/console.js';
import type {MetricsLog} from '../../report/metricsLog.js';
import type {Hook, Run, StepReport} from '../trainer.js';

export class RejectHook implements Hook {
  readonly #samples = new Set<number>();
  readonly #reasons = new Set<string>();

  constructor(
    private readonly console: RunConsole,
    private readonly metrics: MetricsLog,
  ) {}

  afterStep({progress: {step, epoch}}: Run, {replaced}: StepReport): void {
    for (const {index, replacement, reason} of replaced) {
      this.metrics.append({type: 'reject', step, epoch, sample: index, replacement, reason});
      this.#samples.add(index);
      if (this.#reasons.has(reason)) continue;
      this.#reasons.add(reason);
      this.console.warn(`${reason} Another sample took its place.`);
    }
  }

  afterTraining(): void {
    if (this.#samples.size === 0) return;
    this.console.warn(
      `${this.#samples.size} training samples could not be used and were replaced by others:\n` +
        [...this.#reasons].map((reason) => `  ${reason}`).join('\n'),
    );
  }
}
