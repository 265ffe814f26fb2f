/** @file Functions of two numbers whose corner cases JavaScript and C settle differently; JavaScript's word holds. */
import type * as tf from '@tensorflow/tfjs';
import {type Handle, operator, SCALAR_TYPES} from '../native.js';
import {cast, isFloat, register} from './register.js';

const power = operator('pow.Tensor_Tensor');
const absolute = operator('abs');
const equals = operator('eq.Scalar');
const equal = operator('eq.Tensor');
const isNumber = operator('isfinite');
const isBelow = operator('lt.Scalar');
const not = operator('logical_not');
const and = operator('logical_and');
const fill = operator('masked_fill.Scalar');
const to = operator('to.dtype');
const add = operator('add.Tensor');
const divide = operator('div.Tensor');
const floor = operator('floor');
const remainder = operator('fmod.Tensor');
const where = operator('where.self');
const replaceNaN = operator('nan_to_num');
const bitwiseAnd = operator('bitwise_and.Tensor');

// 1 to the power of NaN or infinity is 1 in C, and NaN in JavaScript; so is -1 to the power of infinity.
register('Pow', ({a, b}) => {
  const isUndecided = and(equals(absolute(a.handle), 1), not(isNumber(b.handle)));
  return fill(power(a.handle, b.handle), isUndecided, Number.NaN);
});

function areIntegers(inputs: tf.TensorInfo[]): boolean {
  return inputs.every(({dtype}) => dtype === 'int32');
}

function inDoubles(handle: Handle): Handle {
  return to(handle, SCALAR_TYPES.float64);
}

/** Doubles as int32: what is not finite is 0, what is too large wraps around. */
function toIntegers(doubles: Handle): Handle {
  return cast(to(replaceNaN(doubles, 0, 0, 0), SCALAR_TYPES.int64), 'int32');
}

register(
  'FloorDiv',
  ({a, b}) => toIntegers(floor(divide(inDoubles(a.handle), inDoubles(b.handle)))),
  areIntegers,
);

/** The remainder takes the divisor's sign. In doubles, as in JavaScript: next to a multiple, a float would round to it. */
register(
  'Mod',
  ({a, b}) => {
    const [left, right] = [inDoubles(a.handle), inDoubles(b.handle)];
    const rest = remainder(left, right);
    const isAlike = equal(isBelow(left, 0), isBelow(right, 0));
    const result = where(isAlike, rest, remainder(add(rest, right), right));
    return a.dtype === 'int32' ? toIntegers(result) : cast(result, 'float32');
  },
  (inputs) => isFloat(inputs) || areIntegers(inputs),
);

register('BitwiseAnd', ({a, b}) => bitwiseAnd(a.handle, b.handle), areIntegers);
