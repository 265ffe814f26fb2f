/** @file The hooks by which a run leaves what people and other programs look at; none of them changes the training. */
import {join} from 'node:path';
import type {MetricsLog} from '../../report/metricsLog.js';
import {EventFile} from '../../report/tensorboard/eventFile.js';
import type {Evaluation} from '../../tasks/topDownEvaluation.js';
import type {Session} from '../session.js';
import type {Hook} from '../trainer.js';
import {LogFormsHook} from './logForms.js';
import {PicturesHook} from './pictures.js';

export interface OutputsOptions {
  readonly runFolder: string;
  readonly session: Session;
  readonly metrics: MetricsLog;
  /** What the run's validations give. */
  readonly evaluation: {readonly latest: Evaluation | null};
  /** The step from which the run goes on, 0 at its start. */
  readonly startStep: number;
}

/** To be called after the hook that evaluates, whose figures they show, and before the one that saves. */
export function outputHooks({runFolder, session, metrics, evaluation, startStep}: OutputsOptions): Hook[] {
  const warn = (line: string) => session.console.warn(line);
  const board = new EventFile({folder: join(runFolder, 'tensorboard'), resumedStep: startStep, warn});
  const {pictures} = session.config.train;
  return [
    ...(pictures ? [new PicturesHook({runFolder, session, evaluation, board})] : []),
    new LogFormsHook({runFolder, metrics, board, warn}),
  ];
}
