/** @file Kernels that pick or add up elements by their numbers. */
import * as tf from '@tensorflow/tfjs';
import type {TorchBackend} from '../backend.js';
import {type Handle, operator, operatorMany} from '../native.js';
import {constant} from './constant.js';
import {delegate} from './delegate.js';
import {cast, isFloat, isNumeric, isStored, type Operands, register, scalarType} from './register.js';

const reshape = operator('reshape');
const clone = operator('clone');
const slice = operator('slice.Tensor');
const pick = operator('index_select');
const addTo = operator('index_add');
const zeros = operator('zeros');
const full = operator('full');
const fill = operator('masked_fill.Scalar');
const equal = operator('eq.Tensor');
const isBelow = operator('lt.Scalar');
const isAtLeast = operator('ge.Scalar');
const or = operator('logical_or');
const unsqueeze = operator('unsqueeze');
const multiply = operator('mul.Tensor');
const sum = operator('sum.dim_IntList');
const sort = operatorMany('sort.stable');

// A stable sort, since TensorFlow.js puts the first of equal values first; libtorch's topk promises no order.
register<{k: number}>(
  'TopK',
  ({x}, {k}) => {
    const last = x.shape.length - 1;
    const [values, indices] = sort(x.handle, true, last, true);
    const [top, places] = [values, indices].map((sorted) => slice(sorted, last, 0, k, 1));
    return [clone(top), cast(places, 'int32')];
  },
  (inputs) => isNumeric(inputs) && inputs[0].shape.length > 0 && !inputs[0].shape.includes(0),
);

interface OneHotAttributes {
  readonly depth: number;
  readonly onValue: number;
  readonly offValue: number;
  readonly dtype: tf.DataType;
}

register<OneHotAttributes>(
  'OneHot',
  ({indices}, {depth, onValue, offValue, dtype}) => {
    const classes = constant(
      Int32Array.from({length: depth}, (_, i) => i),
      [depth],
    );
    const isHot = equal(unsqueeze(indices.handle, -1), classes);
    return fill(full([...indices.shape, depth], offValue, scalarType(dtype)), isHot, onValue);
  },
  ([indices], {dtype, onValue, offValue}) =>
    indices.dtype === 'int32' &&
    (dtype === 'float32' || (dtype === 'int32' && [onValue, offValue].every(Number.isInteger))),
);

/** Row numbers of [..., rank] coordinates. */
function rowNumbers(coordinates: Handle, strides: number[]): Handle {
  const rank = strides.length;
  const steps = constant(Int32Array.from(strides), [rank]);
  return sum(multiply(reshape(coordinates, [-1, rank]), steps), [1], false, scalarType('int32'));
}

/** Runs `compute`; where an index is out of range, the `cpu` backend finds and names it. */
function named(
  kernel: string,
  inputs: Operands,
  attributes: object,
  torch: TorchBackend,
  compute: () => Handle,
): Handle {
  try {
    return compute();
  } catch (error) {
    const infos = Object.fromEntries(Object.entries(inputs).map(([name, {info}]) => [name, info]));
    delegate(kernel, infos, attributes as tf.NamedAttrMap, torch);
    throw error;
  }
}

register(
  'GatherNd',
  (inputs, attributes, torch) => {
    const {params, indices} = inputs;
    const [shape, , size, strides] = tf.backend_util.prepareAndValidate(
      params.info as tf.Tensor,
      indices.info as tf.Tensor,
    );
    const rank = indices.shape[indices.shape.length - 1];
    const rows = reshape(params.handle, [-1, size]);
    return named('GatherNd', inputs, attributes, torch, () =>
      reshape(pick(rows, 0, rowNumbers(indices.handle, strides.slice(0, rank))), shape),
    );
  },
  ([params, indices]) =>
    isStored([params]) &&
    indices.dtype === 'int32' &&
    [...params.shape, ...indices.shape].every((size) => size > 0),
);

register<{shape: number[]}>(
  'ScatterNd',
  (inputs, attributes, torch) => {
    const {indices, updates} = inputs;
    const {shape} = attributes;
    const {sliceSize, strides, sliceRank} = tf.backend_util.calculateShapes(
      updates.info as tf.Tensor,
      indices.info as tf.Tensor,
      shape,
    );
    const empty = zeros([tf.util.sizeFromShape(shape) / sliceSize, sliceSize], scalarType(updates.dtype));
    const additions = reshape(updates.handle, [-1, sliceSize]);
    return named('ScatterNd', inputs, attributes, torch, () =>
      reshape(addTo(empty, 0, rowNumbers(indices.handle, strides.slice(0, sliceRank)), additions), shape),
    );
  },
  ([indices, updates], {shape}) =>
    indices.dtype === 'int32' &&
    indices.shape.length > 1 &&
    isNumeric([updates]) &&
    [...indices.shape, ...updates.shape, ...shape].every((size) => size > 0),
);

/** Each row is added to its own segment only; TensorFlow.js's backends in JavaScript spread NaN over all of them. */
register<{numSegments: number}>(
  'UnsortedSegmentSum',
  ({x, segmentIds}, {numSegments}) => {
    const ids = segmentIds.handle;
    // Rows of no segment are put into one more, which is cut off.
    const isNone = or(isBelow(ids, 0), isAtLeast(ids, numSegments));
    const sums = addTo(
      zeros([numSegments + 1, ...x.shape.slice(1)]),
      0,
      fill(ids, isNone, numSegments),
      x.handle,
    );
    return clone(slice(sums, 0, 0, numSegments, 1));
  },
  ([x, segmentIds]) =>
    isFloat([x]) && segmentIds.dtype === 'int32' && segmentIds.shape.length === 1 && !x.shape.includes(0),
);

register<{paddings: [number, number][]; mode: 'reflect' | 'symmetric'}>(
  'MirrorPad',
  ({x}, {paddings, mode}) => {
    const edge = mode === 'reflect' ? 0 : 1; // whether the edge itself is seen again
    return paddings.reduce((padded, [before, after], axis) => {
      const size = x.shape[axis];
      const mirrored = Int32Array.from({length: before + size + after}, (_, i) => {
        const place = i - before;
        if (place < 0) return -place - edge;
        return place < size ? place : 2 * (size - 1) - place + edge;
      });
      return before + after > 0 || axis === 0
        ? pick(padded, axis, constant(mirrored, [mirrored.length]))
        : padded;
    }, x.handle);
  },
  (inputs) => isStored(inputs) && inputs[0].shape.length > 0,
);
