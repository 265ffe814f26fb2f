/** @file How a kernel joins the torch backend: a function from operands to handles, told in libtorch's operators. */
import * as tf from '@tensorflow/tfjs';
import type {Elementwise, Output, TorchBackend} from '../backend.js';
import {type Layout, NCHW, nchw} from '../layout.js';
import {directOperator, type Handle, operator, SCALAR_TYPES} from '../native.js';
import {checkAlive, delegate} from './delegate.js';

/** An input of a kernel as libtorch sees it. */
export class Operand {
  constructor(
    readonly info: tf.TensorInfo,
    private readonly torch: TorchBackend,
  ) {}

  get shape(): readonly number[] {
    return this.info.shape;
  }

  get dtype(): tf.DataType {
    return this.info.dtype;
  }

  /** In the tensor's own shape; float32 if TensorFlow.js takes it for that. */
  get handle(): Handle {
    return this.#full(this.stored);
  }

  /** Of activations, in libtorch's order of axes; float32. */
  get nchw(): Handle {
    return this.#full(this.storedNchw);
  }

  /** Like `handle`, but bfloat16 where it is stored so. */
  get stored(): Handle {
    return this.torch.handle(this.info);
  }

  /** Like `nchw`, but bfloat16 where it is stored so. */
  get storedNchw(): Handle {
    return this.in(NCHW);
  }

  get isNchw(): boolean {
    return this.torch.hasView(this.info, NCHW);
  }

  /** In libtorch's order of axes, in the type in which it is stored. */
  in(layout: Layout): Handle {
    return this.torch.view(this.info, layout);
  }

  get isHalf(): boolean {
    return this.torch.isHalf(this.info);
  }

  #full(handle: Handle): Handle {
    return this.isHalf ? cast(handle, 'float32') : handle;
  }
}

/** Inputs by name; a kernel over a list of tensors finds them under 0, 1, 2 … */
export type Operands = Record<string, Operand>;

type Kernel<Attributes> = (
  inputs: Operands,
  attributes: Attributes,
  backend: TorchBackend,
) => Output | Output[];

/** Which inputs a kernel takes in libtorch; the others are delegated to the `cpu` backend. */
export type Accepts<Attributes> = (inputs: tf.TensorInfo[], attributes: Attributes) => boolean;

export function isFloat(inputs: tf.TensorInfo[]): boolean {
  return inputs.every(({dtype}) => dtype === 'float32');
}

export function isNumeric(inputs: tf.TensorInfo[]): boolean {
  return inputs.every(({dtype}) => dtype === 'float32' || dtype === 'int32');
}

export function isStored(inputs: tf.TensorInfo[]): boolean {
  return inputs.every(({dtype}) => dtype !== 'string' && dtype !== 'complex64');
}

/**
 * Applies an operation on elements of equal shape; between convolutions everything stays in their order of axes, and
 * in bfloat16 if all operands are.
 */
export function elementwise(operation: (...handles: Handle[]) => Handle, ...operands: Operand[]): Output {
  const [{shape}] = operands;
  const staysHalf = operands.every((x) => x.isHalf);
  const staysNchw =
    operands.some((x) => x.isNchw) && operands.every((x) => tf.util.arraysEqual([...x.shape], [...shape]));
  if (staysNchw) return nchw(operation(...operands.map((x) => (staysHalf ? x.storedNchw : x.nchw))));
  return operation(...operands.map((x) => (staysHalf ? x.stored : x.handle)));
}

/** libtorch's element type for one of TensorFlow.js. */
export function scalarType(dtype: tf.DataType): number {
  if (dtype === 'string' || dtype === 'complex64' || !(dtype in SCALAR_TYPES))
    throw new Error(`${dtype} tensors do not live in libtorch`);
  return SCALAR_TYPES[dtype];
}

const to = operator('to.dtype');

/** The operand in another element type. */
export function cast(handle: Handle, dtype: tf.DataType): Handle {
  return to(handle, scalarType(dtype));
}

/**
 * Registers a kernel of the torch backend. Temporary tensors are released when it returns.
 * @param Attributes what TensorFlow.js passes as the kernel's attributes
 */
export function register<Attributes = object>(
  kernelName: string,
  kernel: Kernel<Attributes>,
  accepts: Accepts<Attributes> = isFloat,
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'torch',
    kernelFunc: kernelFunction(kernelName, kernel, accepts),
  });
}

/** Registers an operator on pairs of elements; where shapes and types are equal it takes the shortest way there is. */
export function registerPairs(
  kernelName: string,
  name: string,
  takes: (dtype: tf.DataType) => boolean,
  options: Pick<Elementwise, 'gives' | 'runFew'> = {},
): void {
  const aten = operator(name);
  const operation = {run: directOperator(name), takes, ...options};
  const accepts = ([a, b]: tf.TensorInfo[]) => a.dtype === b.dtype && takes(a.dtype);
  const inGeneral = kernelFunction(kernelName, ({a, b}) => elementwise(aten, a, b), accepts);
  tf.registerKernel({
    kernelName,
    backendName: 'torch',
    kernelFunc: (call) => {
      const {a, b} = call.inputs as {a: tf.TensorInfo; b: tf.TensorInfo};
      return (call.backend as TorchBackend).runElementwise(operation, a, b) ?? inGeneral(call);
    },
  });
}

function kernelFunction<Attributes>(
  kernelName: string,
  kernel: Kernel<Attributes>,
  accepts: Accepts<Attributes>,
): tf.KernelFunc {
  return ({inputs, attrs, backend}) => {
    const torch = backend as TorchBackend;
    checkAlive(kernelName, inputs, torch);
    const infos: tf.TensorInfo[] = [];
    const operands: Operands = {};
    for (const name in inputs) {
      const info = inputs[name];
      if (info == null) continue;
      infos.push(info);
      operands[name] = new Operand(info, torch);
    }
    if (!accepts(infos, attrs as Attributes)) return delegate(kernelName, inputs, attrs, torch);
    let givesList = false;
    const outputs = torch.run(() => {
      const result = kernel(operands, attrs as Attributes, torch);
      givesList = Array.isArray(result);
      return result;
    });
    return givesList ? outputs : outputs[0];
  };
}
