/** @file TensorBoard's numbers and metrics.csv follow the log, also when a run goes back. */
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, it} from 'vitest';
import {MetricsLog} from '../../../src/report/metricsLog.js';
import {EventFile} from '../../../src/report/tensorboard/eventFile.js';
import {LogFormsHook} from '../../../src/train/hooks/logForms.js';
import {shownScalars} from '../../report/tensorboard/eventReader.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-forms-'));
});
afterEach(() => rmSync(folder, {recursive: true}));

it('shows a step once, the last time that the run came through it', async () => {
  const metrics = MetricsLog.open(join(folder, 'metrics.jsonl'));
  const warn = (line: string) => expect.fail(line);
  const board = new EventFile({folder: join(folder, 'tensorboard'), resumedStep: 0, warn});
  const hook = new LogFormsHook({runFolder: folder, metrics, board, warn});
  const train = (step: number, loss: number) => metrics.append({type: 'train', step, epoch: 0, loss});
  const validate = (step: number, AP: number) => metrics.append({type: 'eval', step, epoch: 1, AP});
  train(10, 1);
  train(20, 2);
  validate(25, 0.25);
  train(30, 3);
  // Back to step 15.
  train(20, 4);
  validate(25, 0.5);
  train(30, 5);
  train(30, 6);
  await hook.afterEpoch();
  expect(shownScalars(join(folder, 'tensorboard'))).toEqual({
    'train/loss': [
      [10, 1],
      [20, 4],
      [30, 6],
    ],
    'val/AP': [[25, 0.5]],
  });
  expect(readFileSync(join(folder, 'metrics.csv'), 'utf8').split('\n').slice(0, 2)).toEqual([
    'type,step,epoch,loss,AP',
    'train,10,0,1,',
  ]);
});
