/** @file Chooses what carries out TensorFlow.js's kernels, on which device and with how many threads. */
import {availableParallelism} from 'node:os';
import * as tf from '@tensorflow/tfjs';
import {UserError} from '../errors.js';
import {startTensorFlow} from './tensorflow.js';

export type BackendName = 'torch' | 'tensorflow' | 'cpu';

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

interface Wanted {
  readonly device: 'auto' | 'cpu' | 'cuda';
  readonly threads: number;
}

const BACKENDS: Record<BackendName, (wanted: Wanted) => Promise<Omit<EngineInfo, 'backend'>>> = {
  torch: useTorch,
  tensorflow: useTensorFlow,
  cpu: useJavaScript,
};

/**
 * Makes a backend the current one.
 * @throws UserError if it is not built or not installed, or if the device is not to be had
 */
export async function selectBackend({backend, device = 'auto', threads}: EngineOptions): Promise<EngineInfo> {
  // Else TensorFlow.js recommends its own native package on the console.
  tf.enableProdMode();
  const info = await BACKENDS[backend]({device, threads: threads ?? availableParallelism()});
  return {backend, ...info};
}

async function useTorch({device, threads}: Wanted) {
  if (device === 'cuda') throw cpuOnly('torch');
  const {startTorch} = await import('./torch/index.js');
  const version = await startTorch(threads);
  return {device: 'cpu', engine: `libtorch ${version}`, threads};
}

async function useTensorFlow({device, threads}: Wanted) {
  const {packageName, version, onGpu} = await startTensorFlow(threads);
  if (device === 'cuda' && !onGpu) {
    throw new UserError(
      'usage',
      `device: ${packageName} found no GPU that it can use; set device=cpu or device=auto.`,
    );
  }
  return {device: onGpu ? 'cuda' : 'cpu', engine: `${packageName} ${version}`, threads};
}

async function useJavaScript({device}: Wanted) {
  if (device === 'cuda') throw cpuOnly('cpu');
  await tf.setBackend('cpu');
  return {device: 'cpu', engine: `TensorFlow.js ${tf.version_core}`, threads: 1};
}

function cpuOnly(backend: BackendName): UserError {
  return new UserError(
    'usage',
    `device: the ${backend} backend runs on the CPU only; set device=cpu or device=auto.`,
  );
}
