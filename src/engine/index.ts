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
  /** On a GPU: float32 products may round their operands to 10 bits, which is several times as fast. */
  readonly tf32?: boolean;
  /** On a GPU: the same run gives the same bits, at the price of slower kernels. */
  readonly deterministic?: boolean;
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
  readonly tf32: boolean;
  readonly deterministic: boolean;
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
export async function selectBackend(options: EngineOptions): Promise<EngineInfo> {
  const {backend, device = 'auto', tf32 = false, deterministic = false} = options;
  // Else TensorFlow.js recommends its own native package on the console.
  tf.enableProdMode();
  const threads = options.threads ?? availableParallelism();
  const info = await BACKENDS[backend]({device, threads, tf32, deterministic});
  return {backend, ...info};
}

async function useTorch(wanted: Wanted) {
  const {startTorch} = await import('./torch/index.js');
  const {version, device} = await startTorch(wanted);
  return {device, engine: `libtorch ${version}`, threads: wanted.threads};
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
  if (device === 'cuda') {
    throw new UserError(
      'usage',
      'device: the cpu backend runs on the CPU only; set device=cpu or device=auto.',
    );
  }
  await tf.setBackend('cpu');
  return {device: 'cpu', engine: `TensorFlow.js ${tf.version_core}`, threads: 1};
}
