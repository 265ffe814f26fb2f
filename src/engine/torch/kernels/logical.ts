/** @file Kernels of truth values. */
import type * as tf from '@tensorflow/tfjs';
import {operator} from '../native.js';
import {reduction} from './reduce.js';
import {elementwise, register} from './register.js';

const not = operator('logical_not');
const amax = operator('amax');
const amin = operator('amin');

function isBool(inputs: tf.TensorInfo[]): boolean {
  return inputs.every(({dtype}) => dtype === 'bool');
}

const PAIRS = {LogicalAnd: 'logical_and', LogicalOr: 'logical_or'} as const;

for (const [kernel, name] of Object.entries(PAIRS)) {
  const aten = operator(name);
  register(kernel, ({a, b}) => elementwise(aten, a, b), isBool);
}

register('LogicalNot', ({x}) => elementwise(not, x), isBool);

reduction('Any', (x, over, keepDims) => amax(x, over, keepDims), isBool);
reduction('All', (x, over, keepDims) => amin(x, over, keepDims), isBool);
