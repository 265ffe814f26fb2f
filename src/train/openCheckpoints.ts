/** @file A run's checkpoints as an interruption left them, put in order; the newest good one is loaded. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {stepFolderName} from '../checkpoint/layout.js';
import {type Checkpoint, loadNewestCheckpoint} from '../checkpoint/load.js';
import {type Pointer, readPointer, sweepTemporaries, writePointer} from '../checkpoint/retention.js';
import {UserError} from '../errors.js';
import {readRunState} from './runState.js';

/** A run may have died between a checkpoint and the pointers to it, or its checkpoint may have been set aside. */
async function mendPointers(folder: string, checkpoint: Checkpoint, warn: (line: string) => void) {
  const {step, best} = readRunState(checkpoint);
  const wanted: [Pointer, number | undefined][] = [
    ['last', step],
    ['best', best?.step],
  ];
  for (const [pointer, target] of wanted) {
    if (target === undefined || !existsSync(join(folder, stepFolderName(target)))) continue;
    if ((await readPointer(folder, pointer))?.step === target) continue;
    try {
      await writePointer(folder, pointer, target);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warn(error.message);
    }
  }
}

/** Cleans up after an interrupted run and loads its newest good checkpoint; null if it saved none. */
export async function openCheckpoints(
  folder: string,
  warn: (line: string) => void,
): Promise<Checkpoint | null> {
  await sweepTemporaries(folder, warn);
  const checkpoint = await loadNewestCheckpoint(folder, warn);
  if (checkpoint) await mendPointers(folder, checkpoint, warn);
  return checkpoint;
}
