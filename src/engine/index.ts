/** @file Chooses what carries out TensorFlow.js's kernels, on which device and with how many threads. */
import {availableParallelism} from 'node:os';
import * as tf from '@tensorflow/tfjs';
import {UserError} from '../errors.js';

export type BackendName = 'torch' | 'cpu';

export interface EngineOptions {
  readonly backend: BackendName;
  readonly device?: 'auto' | 'cpu' | 'cuda';
  /** null: as many as the machine has cores. */
  readonly threads?: number | null;
}

export interface EngineInfo {
  readonly backend: BackendName;
  readonly device: string;
  /** What carries out the kernels, with its version. */
  readonly engine: string;
  readonly threads: number;
}

/**
 * Makes a backend the current one.
 * @throws UserError if it is not built, or if the device is not to be had
 */
export async function selectBackend({backend, device = 'auto', threads}: EngineOptions): Promise<EngineInfo> {
  // Else TensorFlow.js recommends its own native package on the console.
  tf.enableProdMode();
  if (device === 'cuda') {
    throw new UserError(
      'usage',
      'device: the torch backend runs on the CPU only; set device=cpu or device=auto.',
    );
  }
  if (backend === 'cpu') {
    await tf.setBackend('cpu');
    return {backend, device: 'cpu', engine: `TensorFlow.js ${tf.version_core}`, threads: 1};
  }
  const count = threads ?? availableParallelism();
  const {startTorch} = await import('./torch/index.js');
  const version = await startTorch(count);
  return {backend, device: 'cpu', engine: `libtorch ${version}`, threads: count};
}
