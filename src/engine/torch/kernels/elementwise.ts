/** @file Element-wise kernels: what differs between them is a name. */
import type * as tf from '@tensorflow/tfjs';
import {type Handle, operator} from '../native.js';
import {cast, elementwise, isFloat, isStored, type Operand, register, registerPairs} from './register.js';

/** TensorFlow.js name -> ATen operator; floating point only, integers take the `cpu` backend's rounding rules. */
const UNARY = {
  Abs: 'abs',
  Acos: 'acos',
  Asin: 'asin',
  Atan: 'atan',
  Ceil: 'ceil',
  Cos: 'cos',
  Cosh: 'cosh',
  Erf: 'erf',
  Exp: 'exp',
  Expm1: 'expm1',
  Floor: 'floor',
  Log: 'log',
  Log1p: 'log1p',
  Neg: 'neg',
  Reciprocal: 'reciprocal',
  Relu: 'relu',
  Relu6: 'relu6',
  Round: 'round',
  Rsqrt: 'rsqrt',
  Sigmoid: 'sigmoid',
  Sin: 'sin',
  Sinh: 'sinh',
  Sqrt: 'sqrt',
  Square: 'square',
  Tan: 'tan',
  Tanh: 'tanh',
} as const;

for (const [kernel, name] of Object.entries(UNARY)) {
  const aten = operator(name);
  register(kernel, ({x}) => aten(x.handle));
}

const ARITHMETIC = {
  Add: 'add.Tensor',
  Sub: 'sub.Tensor',
  Multiply: 'mul.Tensor',
  Maximum: 'maximum',
  Minimum: 'minimum',
} as const;
const FLOAT_ARITHMETIC = {RealDiv: 'div.Tensor', Atan2: 'atan2'} as const;
const COMPARISON = {
  Equal: 'eq.Tensor',
  NotEqual: 'ne.Tensor',
  Greater: 'gt.Tensor',
  GreaterEqual: 'ge.Tensor',
  Less: 'lt.Tensor',
  LessEqual: 'le.Tensor',
} as const;

/** Those whose result in float64, rounded to float32, is what arithmetic in float32 gives (Figueroa 1995). */
const ON_FEW: Partial<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Multiply: (a, b) => a * b,
  RealDiv: (a, b) => a / b,
};

const isNumber = (dtype: tf.DataType) => dtype === 'float32' || dtype === 'int32';
const isReal = (dtype: tf.DataType) => dtype === 'float32';

for (const [kernel, name] of Object.entries(ARITHMETIC))
  registerPairs(kernel, name, isNumber, {runFew: ON_FEW[kernel]});
for (const [kernel, name] of Object.entries(FLOAT_ARITHMETIC))
  registerPairs(kernel, name, isReal, {runFew: ON_FEW[kernel]});
for (const [kernel, name] of Object.entries(COMPARISON))
  registerPairs(kernel, name, isNumber, {gives: 'bool'});

const add = operator('add.Tensor');
const subtract = operator('sub.Tensor');
const square = operator('square');
const where = operator('where.self');
const clamp = operator('clamp');
const leakyRelu = operator('leaky_relu');

register('SquaredDifference', ({a, b}) => square(subtract(a.handle, b.handle)));

register(
  'AddN',
  (inputs) =>
    elementwise((...terms) => terms.reduce((sum, term) => add(sum, term)), ...Object.values(inputs)),
  isMany,
);

/** A sum of one tensor would be that tensor itself; TensorFlow.js does not ask for it. */
function isMany(inputs: tf.TensorInfo[]): boolean {
  return inputs.length > 1 && isFloat(inputs);
}

register<{clipValueMin: number; clipValueMax: number}>('ClipByValue', ({x}, {clipValueMin, clipValueMax}) =>
  clamp(x.handle, clipValueMin, clipValueMax),
);

register<{alpha: number}>('LeakyRelu', ({x}, {alpha}) => leakyRelu(x.handle, alpha));

/** A condition of rank 1 picks whole rows of operands of higher rank. */
function spread(condition: Operand, like: Operand): Handle {
  if (condition.shape.length === like.shape.length || condition.shape.length !== 1) return condition.handle;
  return reshape(condition.handle, [condition.shape[0], ...like.shape.slice(1).map(() => 1)]);
}

const reshape = operator('reshape');

register(
  'Select',
  ({condition, t, e}) => where(cast(spread(condition, t), 'bool'), t.handle, e.handle),
  (inputs) => isStored(inputs) && inputs[1].dtype === inputs[2].dtype,
);
