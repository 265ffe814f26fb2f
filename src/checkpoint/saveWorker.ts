/** @file The thread that saves one checkpoint, so that hashing and writing hold up no training step. */
import {parentPort, workerData} from 'node:worker_threads';
import {UserError} from '../errors.js';
import {runSaveJob, type SaveJob} from './saveJob.js';
import type {SaveMessage} from './saveThread.js';

const tell = (message: SaveMessage) => parentPort!.postMessage(message);

try {
  await runSaveJob(workerData as SaveJob, (warning) => tell({warning}));
  tell({done: true});
} catch (error) {
  // Anything else is a bug, and ends the thread with its stack.
  if (!(error instanceof UserError)) throw error;
  tell({failure: {kind: error.kind, message: error.message}});
}
