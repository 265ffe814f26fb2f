/** @file The loader's thread: makes the batches that it is asked for and hands over their arrays without a copy. */
import {parentPort, workerData} from 'node:worker_threads';
import {UserError} from '../../errors.js';
import {BatchMaker, type BatchRequest, type BatchSource} from './batchMaker.js';
import type {TaskMessage} from './workerPool.js';

const port = parentPort!;
const maker = new BatchMaker(workerData as BatchSource);

port.on('message', async ({id, task}: TaskMessage<BatchRequest>) => {
  try {
    const result = await maker.make(task);
    const {images, targets, targetWeights} = result;
    port.postMessage({id, result}, [images.buffer, targets.buffer, targetWeights.buffer] as ArrayBuffer[]);
  } catch (error) {
    const {message, stack} = error as Error;
    port.postMessage({
      id,
      failure: {kind: error instanceof UserError ? error.kind : null, message, stack},
    });
  }
});
