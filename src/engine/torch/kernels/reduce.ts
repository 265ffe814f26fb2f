/** @file Reductions over axes, and softmax. */
import * as tf from '@tensorflow/tfjs';
import {operator} from '../native.js';
import {cast, isFloat, register, scalarType} from './register.js';

interface AxisAttributes {
  readonly axis?: number | number[];
  /** What TensorFlow.js calls the axes of a maximum, and of no other reduction. */
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

const clone = operator('clone');
const sum = operator('sum.dim_IntList');
const mean = operator('mean.dim');
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

/** A reduction over no axis leaves every element as it is; libtorch would reduce over all of them. */
function reduction(name: string, reduce: typeof sum, ...trailing: number[]): void {
  register<AxisAttributes>(
    name,
    ({x}, {axis, reductionIndices, keepDims = false}) => {
      const over = axes(axis ?? reductionIndices!, x.shape.length);
      return over.length === 0 ? clone(x.handle) : reduce(x.handle, over, keepDims, ...trailing);
    },
    (inputs) => isFloat(inputs) && inputs[0].shape.length > 0 && !inputs[0].shape.includes(0),
  );
}

reduction('Sum', sum, scalarType('float32'));
reduction('Mean', mean, scalarType('float32'));
reduction('Max', amax);
reduction('Min', amin);

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
