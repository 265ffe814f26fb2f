/** @file The loader's thread: fills the memory of the batches that it is asked for. */
import {parentPort, workerData} from 'node:worker_threads';
import {UserError} from '../../errors.js';
import {BatchMaker, type BatchRequest, type SampleSource} from './batchMaker.js';
import type {TaskMessage} from './workerPool.js';

const port = parentPort!;
const maker = new BatchMaker(workerData as SampleSource);

port.on('message', async ({id, task}: TaskMessage<BatchRequest>) => {
  try {
    port.postMessage({id, result: await maker.make(task)});
  } catch (error) {
    const {message, stack} = error as Error;
    port.postMessage({
      id,
      failure: {kind: error instanceof UserError ? error.kind : null, message, stack},
    });
  }
});
