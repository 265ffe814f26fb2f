/** @file Saving a checkpoint in a thread of its own: the snapshot's memory moves there, and no copy is made. */
import {Worker} from 'node:worker_threads';
import {type ErrorKind, UserError} from '../errors.js';
import {compiledModule} from '../packagePaths.js';
import type {SaveJob} from './saveJob.js';
import type {StateDict} from './stateDict.js';

/** What the thread says: any number of warnings, and then one of the others. */
export type SaveMessage =
  | {readonly warning: string}
  | {readonly done: true}
  | {readonly failure: {readonly kind: ErrorKind; readonly message: string}};

const OUT_OF_MEMORY = 'The thread that saves checkpoints ran out of memory: end other programs that take it.';

function memoryOf({contents}: SaveJob): ArrayBuffer[] {
  const dicts: (StateDict | null | undefined)[] = [contents?.model, contents?.ema, contents?.optimizer];
  const tensors = dicts.flatMap((dict) => [...(dict?.values() ?? [])]);
  return [...new Set(tensors.map(({data}) => data.buffer as ArrayBuffer))];
}

/**
 * Carries out a job. The arrays of its contents must be its own: they are moved away, and empty afterwards.
 * @throws UserError 'storage' as `runSaveJob` does; 'outOfMemory'
 */
export function saveInThread(job: SaveJob, warn: (message: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = {workerData: job, transferList: memoryOf(job)};
    const worker = new Worker(compiledModule('checkpoint/saveWorker'), options);
    worker.on('message', (message: SaveMessage) => {
      if ('warning' in message) warn(message.warning);
      else if ('done' in message) resolve();
      else reject(new UserError(message.failure.kind, message.failure.message));
    });
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      reject(isMemory ? new UserError('outOfMemory', OUT_OF_MEMORY, {cause: error}) : error);
    });
    // Reached first by a thread that ended without a word.
    worker.on('exit', (code) => reject(new Error(`the thread that saves checkpoints ended with ${code}`)));
  });
}
