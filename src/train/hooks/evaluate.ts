/** @file Validation after epochs: the figures, the results file, and which checkpoint is the best. */
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {storageError, writeFileAtomic} from '../../checkpoint/files.js';
import {UserError} from '../../errors.js';
import {isBetter} from '../../metrics/metricReport.js';
import type {RunConsole} from '../../report/console.js';
import type {MetricsLog} from '../../report/metricsLog.js';
import {evaluationTable} from '../../report/tables.js';
import type {Evaluation} from '../../tasks/topDownEvaluation.js';
import type {Hook, Run} from '../trainer.js';
import type {Best} from './checkpoint.js';

export interface EvaluateHookOptions {
  readonly runFolder: string;
  /** Epochs between validations; the last epoch is always validated. */
  readonly every: number;
  /** null if a signal ended it. */
  readonly evaluate: () => Promise<Evaluation | null>;
  readonly console: RunConsole;
  readonly metrics: MetricsLog;
  readonly best: Best | null;
}

/**
 * Writes an evaluation into the run's folder: COCO's result format, and the figures, by keypoint too, as JSON.
 * @throws UserError 'storage'
 */
export async function writeEvaluation(
  folder: string,
  {results, stats, perKeypoint}: Evaluation,
): Promise<void> {
  const resultFolder = join(folder, 'results');
  await mkdir(resultFolder, {recursive: true}).catch((error: unknown) => {
    throw storageError(error, resultFolder);
  });
  await writeFileAtomic(join(resultFolder, 'keypoints_val_results.json'), JSON.stringify(results));
  const figures = JSON.stringify({...stats, perKeypoint}, null, 2);
  await writeFileAtomic(join(folder, 'eval.json'), `${figures}\n`);
}

export class EvaluateHook implements Hook {
  #best: Best | null;
  #latest: Evaluation | null = null;
  /** The note without its numbers: said once as long as it stays the same. */
  #cause: string | null = null;
  #failing = false;

  constructor(private readonly options: EvaluateHookOptions) {
    this.#best = options.best;
  }

  /** The best validation so far, by the primary figure. */
  get best(): Best | null {
    return this.#best;
  }

  get latest(): Evaluation | null {
    return this.#latest;
  }

  async afterEpoch(run: Run): Promise<void> {
    const {every, evaluate, console, metrics} = this.options;
    const {epochs} = run.options;
    const {epoch, step} = run.progress;
    if (epoch % every !== 0 && epoch !== epochs) return;
    const evaluation = await evaluate();
    if (evaluation === null) {
      run.postponeValidation();
      return;
    }
    this.#latest = evaluation;
    console.line(evaluationTable([{name: `epoch ${epoch}`, stats: evaluation.stats}], console.width));
    const cause = evaluation.note?.replaceAll(/\d[\d.]*/g, '#') ?? null;
    if (evaluation.note && cause !== this.#cause) console.line(evaluation.note);
    this.#cause = cause;
    metrics.append({type: 'eval', step, epoch, ...evaluation.stats});
    const {name, value} = evaluation.primary;
    if (isBetter(name, value, this.#best?.figure ?? null)) this.#best = {step, epoch, figure: value};
    await this.#write(evaluation);
  }

  /** A disk that fails is warned of, and the training goes on. */
  async #write(evaluation: Evaluation): Promise<void> {
    const {runFolder, console} = this.options;
    try {
      await writeEvaluation(runFolder, evaluation);
      this.#failing = false;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (!this.#failing) console.warn(`${error.message} The training goes on.`);
      this.#failing = true;
    }
  }
}
