/** @file The hooks by which a run leaves what people and other programs look at; none of them changes the training. */
import {join} from 'node:path';
import type {RunConsole} from '../../report/console.js';
import type {MetricsLog} from '../../report/metricsLog.js';
import {EventFile} from '../../report/tensorboard/eventFile.js';
import type {Hook} from '../trainer.js';
import {LogFormsHook} from './logForms.js';

export interface OutputsOptions {
  readonly runFolder: string;
  readonly console: RunConsole;
  readonly metrics: MetricsLog;
  /** The step from which the run goes on, 0 at its start. */
  readonly startStep: number;
}

/** To be called after the hook that evaluates, whose figures they show. */
export function outputHooks({runFolder, console, metrics, startStep}: OutputsOptions): Hook[] {
  const warn = (line: string) => console.warn(line);
  const board = new EventFile({folder: join(runFolder, 'tensorboard'), resumedStep: startStep, warn});
  return [new LogFormsHook({runFolder, metrics, board, warn})];
}
