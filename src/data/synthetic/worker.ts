/** @file The thread that makes pictures of the synthetic set. */
import {parentPort} from 'node:worker_threads';
import sharp from 'sharp';
import {UserError} from '../../errors.js';
import type {TaskMessage} from '../loader/workerPool.js';
import {makePicture, type PictureTask} from './picture.js';

const port = parentPort!;
// The threads are the parallelism: libvips must not add its own.
sharp.concurrency(1);

port.on('message', async ({id, task}: TaskMessage<PictureTask>) => {
  try {
    port.postMessage({id, result: await makePicture(task)});
  } catch (error) {
    const {message, stack} = error as Error;
    port.postMessage({id, failure: {kind: error instanceof UserError ? error.kind : null, message, stack}});
  }
});
