/** @file All that saving a checkpoint involves: the checkpoint, one more try, the pointers, and the old ones' removal. */
import {setTimeout as sleep} from 'node:timers/promises';
import {UserError} from '../errors.js';
import {diskOps, type FileOps} from './files.js';
import {retainCheckpoints, writePointer} from './retention.js';
import {type CheckpointContents, saveCheckpoint} from './save.js';

export interface SaveJob {
  /** A run's `checkpoints/`. */
  readonly folder: string;
  readonly step: number;
  /** null: the step is on the disk already; pointers and retention alone are brought up to date. */
  readonly contents: CheckpointContents | null;
  /** So many of the newest stay. */
  readonly keep: number;
  /** The step of the best checkpoint so far, or null. */
  readonly best: number | null;
  /** Disks of networks fail for a moment: how long to wait before the one further try. */
  readonly retryMilliseconds: number;
}

async function attempt({folder, step, contents, keep, best}: SaveJob, warn: Warn, ops: FileOps) {
  if (contents) await saveCheckpoint(folder, step, contents, ops);
  await writePointer(folder, 'last', step, ops);
  if (best === step) await writePointer(folder, 'best', step, ops);
  await retainCheckpoints(folder, {keep, best}, warn, ops);
}

type Warn = (message: string) => void;

/** @throws UserError 'storage' if the checkpoint was not saved, or a pointer to it not written, at the second try either */
export async function runSaveJob(job: SaveJob, warn: Warn, ops: FileOps = diskOps): Promise<void> {
  try {
    await attempt(job, warn, ops);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await sleep(job.retryMilliseconds);
    await attempt(job, warn, ops);
  }
}
