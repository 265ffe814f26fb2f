/** @file Kernels that libtorch has no use for, carried out by the `cpu` backend's: all of TensorFlow.js stays available. */
import * as tf from '@tensorflow/tfjs';
import type {TorchBackend} from '../backend.js';

type CpuBackend = tf.KernelBackend & {
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
  data: {get(dataId: tf.DataId): {complexTensorInfos?: {real: tf.TensorInfo; imag: tf.TensorInfo}}};
};

type Inputs = tf.NamedTensorInfoMap | undefined;

/** @throws Error that names the kernel if one of its inputs was disposed */
export function checkAlive(kernelName: string, inputs: Inputs): void {
  for (const [name, info] of Object.entries(inputs ?? {})) {
    if ((info as tf.Tensor | null)?.isDisposed) throw new Error(`${kernelName}: input "${name}" is disposed`);
  }
}

/** Runs `kernelName` on the `cpu` backend over copies of the inputs and takes the results back. */
export function delegate(
  kernelName: string,
  inputs: Inputs,
  attributes: tf.NamedAttrMap | undefined,
  torch: TorchBackend,
): tf.TensorInfo | tf.TensorInfo[] {
  checkAlive(kernelName, inputs);
  const cpu = tf.engine().findBackend('cpu') as CpuBackend;
  const kernel = tf.getKernel(kernelName, 'cpu');
  if (!kernel) throw new Error(`no backend has a kernel "${kernelName}" for these inputs`);
  const copies: tf.TensorInfo[] = [];
  const copied: tf.NamedTensorInfoMap = Array.isArray(inputs) ? ([] as unknown as tf.NamedTensorInfoMap) : {};
  for (const [name, info] of Object.entries(inputs ?? {})) {
    if (info == null) continue;
    copied[name] = toCpu(info, torch, cpu);
    copies.push(copied[name]);
  }
  const result = kernel.kernelFunc({inputs: copied, attrs: attributes ?? {}, backend: cpu});
  const results = Array.isArray(result) ? result : [result];
  const taken = results.map((info) => fromCpu(info, torch, cpu));
  for (const info of [...results, ...copies]) cpu.disposeData(info.dataId);
  return Array.isArray(result) ? taken : taken[0];
}

function toCpu(info: tf.TensorInfo, torch: TorchBackend, cpu: CpuBackend): tf.TensorInfo {
  const parts = torch.complexParts(info.dataId);
  if (parts) {
    const inputs = {real: toCpu(parts.real, torch, cpu), imag: toCpu(parts.imag, torch, cpu)};
    const complex = tf
      .getKernel('Complex', 'cpu')
      .kernelFunc({inputs, attrs: {}, backend: cpu}) as tf.TensorInfo;
    for (const part of Object.values(inputs)) cpu.disposeData(part.dataId);
    return complex;
  }
  const dataId = cpu.write(torch.readSync(info.dataId), info.shape, info.dtype);
  return {dataId, shape: info.shape, dtype: info.dtype};
}

function fromCpu(info: tf.TensorInfo, torch: TorchBackend, cpu: CpuBackend): tf.TensorInfo {
  const {shape, dtype} = info;
  const parts = cpu.data.get(info.dataId).complexTensorInfos;
  if (parts) {
    const [real, imag] = [parts.real, parts.imag].map((part) => fromCpu(part, torch, cpu));
    return torch.adoptComplex({...real, shape}, {...imag, shape});
  }
  return {dataId: torch.write(cpu.readSync(info.dataId), shape, dtype), shape, dtype};
}

/** Delegates every kernel that the `cpu` backend has and the torch backend has not. */
export function delegateTheRest(): void {
  const own = new Set(tf.getKernelsForBackend('torch').map(({kernelName}) => kernelName));
  for (const {kernelName} of tf.getKernelsForBackend('cpu')) {
    if (own.has(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: 'torch',
      kernelFunc: ({inputs, attrs, backend}) => delegate(kernelName, inputs, attrs, backend as TorchBackend),
    });
  }
}
