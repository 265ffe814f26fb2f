/** @file Kernels that move, join, cut or make values without computing with them. */
import * as tf from '@tensorflow/tfjs';
import type {TorchBackend} from '../backend.js';
import {type Handle, operator, SCALAR_TYPES} from '../native.js';
import {delegate} from './delegate.js';
import {cast, isStored, type Operand, register, scalarType} from './register.js';

const reshape = operator('reshape');
const permute = operator('permute');
const slice = operator('slice.Tensor');
const cat = operator('cat');
const pad = operator('constant_pad_nd');
const tile = operator('tile');
const flip = operator('flip');
const stack = operator('stack');
const select = operator('select.int');
const full = operator('full');
const trunc = operator('trunc');
const replaceNaN = operator('nan_to_num');
const toType = operator('to.dtype');
const notEqual = operator('ne.Scalar');
const clone = operator('clone');
const indexSelect = operator('index_select');

tf.registerKernel({
  kernelName: 'Identity',
  backendName: 'torch',
  kernelFunc: ({inputs, backend}) => {
    const x = inputs.x as tf.TensorInfo;
    (backend as TorchBackend).incRef(x.dataId);
    return {dataId: x.dataId, shape: x.shape, dtype: x.dtype};
  },
});

register<{shape: number[]}>(
  'Reshape',
  ({x}, {shape}) =>
    reshape(x.handle, tf.util.inferFromImplicitShape(shape, tf.util.sizeFromShape([...x.shape]))),
  isStored,
);

register<{dim: number}>(
  'ExpandDims',
  ({input}, {dim}) => {
    const shape = [...input.shape];
    const rank = shape.length;
    tf.util.assert(
      -rank - 1 <= dim && dim <= rank,
      () => `expandDims: axis ${dim} is not in [${-rank - 1}, ${rank}]`,
    );
    shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
    return reshape(input.handle, shape);
  },
  isStored,
);

register<{perm: number[]}>('Transpose', ({x}, {perm}) => permute(x.handle, perm), isStored);

register<{begin: number | number[]; size: number | number[]}>(
  'Slice',
  ({x}, {begin, size}) => {
    const [starts, sizes] = tf.slice_util.parseSliceParams(x.info, begin, size);
    tf.slice_util.assertParamsValid(x.info, starts, sizes);
    let result = x.handle;
    starts.forEach((start, axis) => {
      if (sizes[axis] !== x.shape[axis]) result = slice(result, axis, start, start + sizes[axis], 1);
    });
    // A slice must not keep the whole tensor alive, nor change when an optimiser steps on it in place.
    return clone(result);
  },
  isStored,
);

register<{axis: number}>(
  'Concat',
  (inputs, {axis}) => {
    const parts = Object.values(inputs);
    return cat(
      parts.map(({handle}) => handle),
      tf.util.parseAxisParam(axis, [...parts[0].shape])[0],
    );
  },
  (inputs) => isStored(inputs) && inputs.every(({dtype}) => dtype === inputs[0].dtype),
);

register<{paddings: [number, number][]; constantValue: number}>('PadV2', ({x}, {paddings, constantValue}) =>
  // libtorch counts axes from the last.
  pad(x.handle, [...paddings].reverse().flat(), constantValue),
);

register<{reps: number[]}>('Tile', ({x}, {reps}) => tile(x.handle, reps), isStored);

register<{dims: number[]}>(
  'Reverse',
  ({x}, {dims}) => flip(x.handle, tf.util.parseAxisParam(dims, [...x.shape])),
  isStored,
);

register<{axis: number}>(
  'Pack',
  (inputs, {axis}) => {
    const parts = Object.values(inputs);
    const types = new Set(parts.map(({dtype}) => dtype));
    tf.util.assert(types.size === 1, () => `stack: all tensors need one type, and are ${[...types]}`);
    return stack(
      parts.map(({handle}) => handle),
      axis,
    );
  },
  isStored,
);

register<{axis: number}>(
  'Unpack',
  ({value}, {axis}) => {
    const along = axis < 0 ? axis + value.shape.length : axis;
    return Array.from({length: value.shape[along]}, (_, i) => clone(select(value.handle, along, i)));
  },
  isStored,
);

register<{axis: number; batchDims: number}>(
  'GatherV2',
  ({x, indices}, {axis}, torch) => {
    const along = tf.util.parseAxisParam(axis, [...x.shape])[0];
    const rows = pickRows(x, indices, along, torch);
    return reshape(rows, [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)]);
  },
  // Batched gathers have axes of their own; they are rare and small.
  (inputs, {batchDims}) => isStored(inputs) && inputs[1].dtype === 'int32' && !batchDims,
);

/** @throws Error as TensorFlow.js words it, if an index is out of range */
function pickRows(x: Operand, indices: Operand, along: number, torch: TorchBackend): Handle {
  try {
    return indexSelect(x.handle, along, reshape(indices.handle, [-1]));
  } catch (error) {
    checkIndices(torch.readSync(indices.info.dataId) as Int32Array, x.shape[along]);
    throw error;
  }
}

function checkIndices(indices: Int32Array, size: number): void {
  const wrong = indices.find((index) => index < 0 || index >= size);
  tf.util.assert(wrong === undefined, () => `GatherV2: the index value ${wrong} is not in [0, ${size - 1}]`);
}

function castValues(handle: Handle, from: tf.DataType, to: tf.DataType): Handle {
  if (to === 'bool') return notEqual(handle, 0);
  return from === 'float32' && to === 'int32' ? toIntegers(handle) : cast(handle, to);
}

/** As JavaScript converts: towards zero, around at 2³², and 0 for what is not finite. */
function toIntegers(handle: Handle): Handle {
  return cast(toType(replaceNaN(trunc(handle), 0, 0, 0), SCALAR_TYPES.int64), 'int32');
}

tf.registerKernel({
  kernelName: 'Cast',
  backendName: 'torch',
  kernelFunc: ({inputs, attrs, backend}) =>
    castKernel(inputs.x as tf.TensorInfo, attrs as {dtype: tf.DataType}, backend as TorchBackend),
});

function castKernel(x: tf.TensorInfo, attributes: {dtype: tf.DataType}, torch: TorchBackend): tf.TensorInfo {
  const {dtype} = attributes;
  if (dtype === x.dtype) {
    torch.incRef(x.dataId);
    return {dataId: x.dataId, shape: x.shape, dtype};
  }
  const isHeld = isStored([x]) && dtype !== 'string' && dtype !== 'complex64';
  if (!isHeld) return delegate('Cast', {x}, attributes, torch) as tf.TensorInfo;
  return torch.run(() => castValues(torch.handle(x), x.dtype, dtype))[0];
}

tf.registerKernel({
  kernelName: 'Fill',
  backendName: 'torch',
  kernelFunc: ({inputs, attrs, backend}) => {
    const {shape, value, dtype} = attrs as {shape: number[]; value: number | string; dtype?: tf.DataType};
    const type = dtype ?? (typeof value === 'string' ? 'string' : 'float32');
    const torch = backend as TorchBackend;
    if (type === 'string' || type === 'complex64') return delegate('Fill', inputs, attrs, torch);
    return torch.run(() => full(shape, Number(value), scalarType(type)))[0];
  },
});
