/** @file Rejected samples: each an event of the log, each reason once on the console, a sum at the end. */
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import type {ReplacedSample} from '../../../src/data/types.js';
import {RunConsole} from '../../../src/report/console.js';
import {MetricsLog} from '../../../src/report/metricsLog.js';
import {RejectHook} from '../../../src/train/hooks/rejects.js';
import {Run} from '../../../src/train/trainer.js';
import {OUTCOME} from '../steps.js';

it('logs every replacement, and warns of every file once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rejects-'));
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text) > 0, on: () => stream};
  const metrics = MetricsLog.open(join(folder, 'metrics.jsonl'));
  const hook = new RejectHook(new RunConsole({stream}), metrics);
  const run = new Run({
    epochs: 2,
    source: {batchesPerEpoch: 1, async *batches() {}},
    update: () => OUTCOME,
    hooks: [hook],
    progress: {step: 4, epoch: 1, nextBatch: 0},
  });
  const step = (...replaced: ReplacedSample[]) =>
    hook.afterStep(run, {
      ...{...OUTCOME, samples: 1, milliseconds: 1, waitedMilliseconds: 0},
      ...{replaced, work: {total: 0, reading: 0, decoding: 0, drawing: 0}},
    });
  step();
  step(
    {index: 7, replacement: 2, reason: 'a.jpg: damaged.'},
    {index: 8, replacement: 3, reason: 'a.jpg: damaged.'},
  );
  step({index: 7, replacement: 5, reason: 'a.jpg: damaged.'});
  hook.afterTraining();
  const events = readFileSync(metrics.file, 'utf8').trimEnd().split('\n');
  expect(events.map((line) => JSON.parse(line))).toEqual([
    {type: 'reject', step: 4, epoch: 1, sample: 7, replacement: 2, reason: 'a.jpg: damaged.'},
    {type: 'reject', step: 4, epoch: 1, sample: 8, replacement: 3, reason: 'a.jpg: damaged.'},
    {type: 'reject', step: 4, epoch: 1, sample: 7, replacement: 5, reason: 'a.jpg: damaged.'},
  ]);
  expect(lines).toEqual([
    'warning: a.jpg: damaged. Another sample took its place.\n',
    'warning: 2 training samples could not be used and were replaced by others:\n  a.jpg: damaged.\n',
  ]);
  rmSync(folder, {recursive: true});
});
