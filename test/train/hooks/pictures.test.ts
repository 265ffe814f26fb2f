/** @file Pictures that cannot be drawn: told once, and the training goes on. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {RunConsole} from '../../../src/report/console.js';
import {EventFile} from '../../../src/report/tensorboard/eventFile.js';
import {PicturesHook} from '../../../src/train/hooks/pictures.js';
import type {Session} from '../../../src/train/session.js';
import {Run} from '../../../src/train/trainer.js';
import {OUTCOME} from '../steps.js';

it('warns once of what is in the way, whatever that is', async () => {
  const runFolder = mkdtempSync(join(tmpdir(), 'pictures-'));
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text) > 0, on: () => stream};
  const session = {
    console: new RunConsole({stream}),
    get config(): never {
      throw new Error('glib: Error creating thread: Resource temporarily unavailable');
    },
  } as unknown as Session;
  const board = new EventFile({folder: join(runFolder, 'tensorboard'), resumedStep: 0, warn: () => {}});
  const hook = new PicturesHook({runFolder, session, evaluation: {latest: null}, board});
  const run = new Run({
    epochs: 1,
    source: {batchesPerEpoch: 1, async *batches() {}},
    update: () => OUTCOME,
    hooks: [hook],
    progress: {step: 0, epoch: 0, nextBatch: 0},
  });
  await hook.beforeTraining(run);
  await hook.beforeTraining(run);
  expect(lines).toEqual([
    'warning: no pictures: glib: Error creating thread: Resource temporarily unavailable\n',
  ]);
  rmSync(runFolder, {recursive: true});
});
