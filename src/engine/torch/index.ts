/** @file Registers the torch backend and makes it the current one. */
import * as tf from '@tensorflow/tfjs';
import {UserError} from '../../errors.js';
import {TorchBackend} from './backend.js';
import './kernels/index.js';
import {native} from './native.js';

export interface TorchOptions {
  /** For libtorch's parallel regions. */
  readonly threads: number;
  readonly device: 'auto' | 'cpu' | 'cuda';
  /** Whether a GPU may round the operands of float32 products to 10 bits. */
  readonly tf32: boolean;
  /** Whether the same run must give the same bits on a GPU, too. */
  readonly deterministic: boolean;
}

/**
 * @returns libtorch's version and the device
 * @throws UserError if the device is `cuda` and none is to be had
 */
export async function startTorch(options: TorchOptions): Promise<{version: string; device: 'cpu' | 'cuda'}> {
  // Read by cuBLAS at its start: its products are the same every time only with a workspace of its own.
  if (options.deterministic) process.env.CUBLAS_WORKSPACE_CONFIG ??= ':4096:8';
  const device = chooseDevice(options.device);
  native().setThreads(options.threads);
  native().setDeterministic(options.deterministic);
  native().allowTf32(options.tf32);
  native().setDevice(device);
  if (!tf.engine().registryFactory.torch) tf.registerBackend('torch', () => new TorchBackend());
  await tf.setBackend('torch');
  return {version: native().version, device};
}

function chooseDevice(wanted: TorchOptions['device']): 'cpu' | 'cuda' {
  const isThere = wanted !== 'cpu' && native().cudaDevices() > 0;
  if (wanted !== 'cuda' || isThere) return isThere ? 'cuda' : 'cpu';
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  const note = visible === undefined ? '' : ` (CUDA_VISIBLE_DEVICES=${visible})`;
  throw new UserError(
    'usage',
    `device: libtorch ${native().version} finds no CUDA device${note}; install a libtorch for CUDA and set LIBTORCH ` +
      'to its folder, or set device=cpu or device=auto.',
  );
}
