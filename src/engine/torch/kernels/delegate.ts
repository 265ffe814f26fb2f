/** @file Kernels that libtorch has no use for, carried out by the `cpu` backend's: all of TensorFlow.js stays available. */
import * as tf from '@tensorflow/tfjs';
import type {TorchBackend} from '../backend.js';

type CpuBackend = tf.KernelBackend & {
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
  data: {get(dataId: tf.DataId): {complexTensorInfos?: {real: tf.TensorInfo; imag: tf.TensorInfo}}};
};

type Inputs = tf.NamedTensorInfoMap | undefined;

/** @throws Error that names the kernel if the data of one of its inputs were disposed */
export function checkAlive(kernelName: string, inputs: Inputs, torch: TorchBackend): void {
  for (const name in inputs) {
    const info = inputs[name] as tf.Tensor | null;
    // A gradient may hold a tensor that is disposed while another still has its data.
    if (info?.isDisposed && !torch.holds(info.dataId))
      throw new Error(`${kernelName}: input "${name}" is disposed`);
  }
}

/** Runs `kernelName` on the `cpu` backend over copies of the inputs and takes the results back. */
export function delegate(
  kernelName: string,
  inputs: Inputs,
  attributes: tf.NamedAttrMap | undefined,
  torch: TorchBackend,
): tf.TensorInfo | tf.TensorInfo[] {
  checkAlive(kernelName, inputs, torch);
  const cpu = tf.engine().findBackend('cpu') as CpuBackend;
  const kernel = tf.getKernel(kernelName, 'cpu');
  if (!kernel) throw new Error(`no backend has a kernel "${kernelName}" for these inputs`);
  const held: tf.TensorInfo[] = [];
  const copy = (info: tf.TensorInfo): tf.TensorInfo => {
    held.push(toCpu(info, torch, cpu));
    return held.at(-1)!;
  };
  try {
    const copied = (Array.isArray(inputs) ? [] : {}) as Record<string, tf.TensorInfo | tf.TensorInfo[]>;
    for (const [name, input] of Object.entries(inputs ?? {}) as [string, tf.TensorInfo | tf.TensorInfo[]][]) {
      if (input != null) copied[name] = Array.isArray(input) ? input.map(copy) : copy(input);
    }
    const call = {inputs: copied as tf.NamedTensorInfoMap, attrs: attributes ?? {}, backend: cpu};
    const result = kernel.kernelFunc(call);
    const results = Array.isArray(result) ? result : [result];
    held.push(...results);
    const taken = results.map((info) => fromCpu(info, torch, cpu));
    return Array.isArray(result) ? taken : taken[0];
  } finally {
    for (const info of held) cpu.disposeData(info.dataId);
  }
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
  const {shape, dtype} = info;
  const dataId = cpu.write(torch.readSync(info.dataId), shape, dtype);
  // Some kernels ask for the rank, which a tensor has and a TensorInfo has not.
  return {dataId, shape, dtype, rank: shape.length} as tf.TensorInfo;
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
