/** @file The end of a run: its report, and the last lines on the console. */
import {dumpConfig} from '../config/format.js';
import {UserError} from '../errors.js';
import {writeReport} from '../report/htmlReport.js';
import {type MetricsEvent, type MetricsLog, readMetrics} from '../report/metricsLog.js';
import type {EvaluationRow} from '../report/tables.js';
import {primaryFigure} from '../tasks/topDownFigures.js';
import type {Best} from './hooks/checkpoint.js';
import type {EvaluateHook} from './hooks/evaluate.js';
import {validationPictures} from './pictures.js';
import type {Session} from './session.js';

export interface Conclusion {
  readonly evaluation: EvaluateHook;
  readonly metrics: MetricsLog;
  /** What stood above the first step, and how long it took. */
  readonly facts: readonly [string, string][];
}

/** Says what was reached, and writes report.html; a disk that fails is warned of, for the run itself is complete. */
export async function concludeRun(
  runFolder: string,
  session: Session,
  {evaluation, metrics, facts}: Conclusion,
): Promise<void> {
  const {config, console, val, task} = session;
  const {best, latest} = evaluation;
  const summary = best
    ? `Best ${primaryFigure(config.eval)} ${best.figure.toFixed(3)} after epoch ${best.epoch} of ${config.train.epochs}.`
    : '';
  if (best) console.line(summary);
  try {
    const events = readMetrics(metrics.file);
    const report = await writeReport({
      runFolder,
      title: config.name,
      summary: best ? [summary] : [],
      facts,
      events,
      evaluations: evaluationRows(events, best),
      perKeypoint: latest?.perKeypoint ?? {},
      pictures: latest ? await validationPictures(latest.predictions, val, task) : [],
      config: dumpConfig(config),
    });
    console.line(`report: ${report}`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.warn(`there is no report: ${error.message}`);
  }
}

/** The last validation, and the best one before it; also those of a run that was stopped before the next one. */
function evaluationRows(events: readonly MetricsEvent[], best: Best | null): EvaluationRow[] {
  const validations = events.filter(({type}) => type === 'eval');
  const last = validations.at(-1);
  const chosen = validations.filter((event) => event === last || event.epoch === best?.epoch).reverse();
  return chosen.map((event) => {
    const {type: _type, step: _step, epoch, ...stats} = event;
    const kind = epoch === best?.epoch ? 'best' : 'last';
    return {name: `${kind}, epoch ${epoch}`, stats: stats as Record<string, number>};
  });
}
