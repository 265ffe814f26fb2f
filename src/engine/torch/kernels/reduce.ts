/** @file Reductions over axes, and softmax. */
import * as tf from '@tensorflow/tfjs';
import {type Handle, operator} from '../native.js';
import {type Accepts, cast, isFloat, isNumeric, register, scalarType} from './register.js';

interface AxisAttributes {
  readonly axis?: number | number[];
  /** What TensorFlow.js calls the axes of a maximum, and of no other reduction. */
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

const clone = operator('clone');
const sum = operator('sum.dim_IntList');
const mean = operator('mean.dim');
const prod = operator('prod.dim_int');
const amax = operator('amax');
const amin = operator('amin');
const argmax = operator('argmax');
const argmin = operator('argmin');
const replaceNaN = operator('nan_to_num');
const softmax = operator('softmax.int');
const logSoftmax = operator('log_softmax.int');

function axes(axis: number | number[], rank: number): number[] {
  return tf.util.parseAxisParam(
    axis,
    Array.from({length: rank}, () => 1),
  );
}

type Reduce = (x: Handle, over: number[], keepDims: boolean, dtype: tf.DataType) => Handle;

/** A reduction over no axis leaves every element as it is; libtorch would reduce over all of them. */
export function reduction(name: string, reduce: Reduce, accepts: Accepts<AxisAttributes>): void {
  register<AxisAttributes>(
    name,
    ({x}, {axis, reductionIndices, keepDims = false}) => {
      const over = axes(axis ?? reductionIndices!, x.shape.length);
      return over.length === 0 ? clone(x.handle) : reduce(x.handle, over, keepDims, x.dtype);
    },
    (inputs, attributes) =>
      accepts(inputs, attributes) && inputs[0].shape.length > 0 && !inputs[0].shape.includes(0),
  );
}

reduction('Sum', (x, over, keepDims, dtype) => sum(x, over, keepDims, scalarType(dtype)), isNumeric);
reduction('Mean', (x, over, keepDims) => mean(x, over, keepDims, scalarType('float32')), isFloat);
reduction('Max', (x, over, keepDims) => amax(x, over, keepDims), isNumeric);
reduction('Min', (x, over, keepDims) => amin(x, over, keepDims), isNumeric);

// One axis after another, the last first: the numbers of the others stay.
reduction(
  'Prod',
  (x, over, keepDims) =>
    [...over].sort((a, b) => b - a).reduce((product, axis) => prod(product, axis, keepDims), x),
  isFloat,
);

// TensorFlow.js passes over NaN where libtorch takes it for the extreme.
for (const [name, find, leastWanted] of [
  ['ArgMax', argmax, Number.NEGATIVE_INFINITY],
  ['ArgMin', argmin, Number.POSITIVE_INFINITY],
] as const) {
  register<{axis: number}>(name, ({x}, {axis}) => {
    const numbers = replaceNaN(x.handle, leastWanted, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    return cast(find(numbers, axes(axis, x.shape.length)[0], false), 'int32');
  });
}

register<{dim: number}>('Softmax', ({logits}, {dim}) => softmax(logits.handle, dim));
register<{axis: number}>('LogSoftmax', ({logits}, {axis}) => logSoftmax(logits.handle, axis));
