/** @file Registers the torch backend and makes it the current one. */
import * as tf from '@tensorflow/tfjs';
import {TorchBackend} from './backend.js';
import './kernels/index.js';
import {native} from './native.js';

/**
 * @param threads for libtorch's parallel regions
 * @returns libtorch's version
 */
export async function startTorch(threads: number): Promise<string> {
  native().setThreads(threads);
  if (!tf.engine().registryFactory.torch) tf.registerBackend('torch', () => new TorchBackend());
  await tf.setBackend('torch');
  return native().version;
}
