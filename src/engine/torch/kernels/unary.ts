/** @file Activations and other functions of one tensor, element by element, that need more than a name. */
import type {Output} from '../backend.js';
import {operator} from '../native.js';
import {cast, elementwise, isNumeric, isStored, type Operand, register, scalarType} from './register.js';

const isAbove = operator('gt.Scalar');
const isBelow = operator('lt.Scalar');
const isAtMost = operator('le.Scalar');
const multiply = operator('mul.Tensor');
const subtract = operator('sub.Tensor');
const fill = operator('masked_fill.Scalar');
const where = operator('where.self');
const full = operator('full');
const eluBackward = operator('elu_backward');

/** TensorFlow.js name -> ATen operator, of floating-point numbers. */
const SAME = {
  Acosh: 'acosh',
  Asinh: 'asinh',
  Atanh: 'atanh',
  Elu: 'elu',
  Selu: 'selu',
  Softplus: 'softplus',
} as const;

for (const [kernel, name] of Object.entries(SAME)) {
  const aten = operator(name);
  register(kernel, ({x}) => elementwise(aten, x));
}

/** Questions about a number, answered with bool. */
const PREDICATES = {IsNan: 'isnan', IsInf: 'isinf', IsFinite: 'isfinite'} as const;

for (const [kernel, name] of Object.entries(PREDICATES)) {
  const aten = operator(name);
  register(kernel, ({x}) => elementwise(aten, x), isNumeric);
}

register('EluGrad', ({dy, y}) =>
  elementwise((gradient, output) => eluBackward(gradient, 1, 1, 1, true, output), dy, y),
);

// libtorch's own sign hands NaN on; TensorFlow.js calls it 0.
register(
  'Sign',
  ({x}) =>
    elementwise(
      (values) => subtract(cast(isAbove(values, 0), x.dtype), cast(isBelow(values, 0), x.dtype)),
      x,
    ),
  isNumeric,
);

// Both fills pass over NaN, which stays.
register<{alpha: number}>('Step', ({x}, {alpha}) =>
  elementwise((values) => fill(fill(values, isAtMost(values, 0), alpha), isAbove(values, 0), 1), x),
);

register('Prelu', ({x, alpha}) =>
  elementwise((values, slopes) => where(isBelow(values, 0), multiply(values, slopes), values), x, alpha),
);

/** A tensor of one value everywhere, like another. */
function constantLike(x: Operand, value: number): Output {
  return full(x.shape, value, scalarType(x.dtype));
}

register('ZerosLike', ({x}) => constantLike(x, 0), isStored);
register('OnesLike', ({x}) => constantLike(x, 1), isStored);
