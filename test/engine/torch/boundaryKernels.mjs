/** @file Kernels of the torch backend to call, with tensors and attributes that seldom fit. */
import fc from 'fast-check';
import {weird} from './boundaryValues.mjs';

const ELEMENTWISE = [
  'Abs',
  'Exp',
  'Neg',
  'Relu',
  'Sqrt',
  'PosecraftRelu',
  'Identity',
  'Softmax',
  'LogSoftmax',
];
const BINARY = ['Add', 'Multiply', 'RealDiv', 'Maximum', 'Equal', 'Less', 'SquaredDifference', 'BatchMatMul'];
const REDUCTION = ['Sum', 'Mean', 'Max', 'Min', 'ArgMax', 'ArgMin'];
const SHAPE = [
  'Reshape',
  'ExpandDims',
  'Transpose',
  'Slice',
  'PadV2',
  'Tile',
  'Reverse',
  'Unpack',
  'GatherV2',
  'Cast',
];
const LISTS = ['AddN', 'Concat', 'Pack'];
const OTHERS = [
  'ClipByValue',
  'LeakyRelu',
  'Select',
  'Fill',
  'Conv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
];
const TRAINING = [
  'PosecraftConvolution',
  'PosecraftReluGradient',
  'PosecraftUpsample',
  'PosecraftUpsampleGradient',
  'PosecraftSumRelu',
  'PosecraftAccumulate',
  'PosecraftConvolutionNormalized',
  'PosecraftBatchNorm',
  'PosecraftBatchNormGradient',
  'FusedBatchNorm',
];
const NAMES = [ELEMENTWISE, BINARY, REDUCTION, SHAPE, LISTS, OTHERS, TRAINING].flat();

const size = fc.integer({min: 0, max: 4});
/** [type, ...sizes], or what no kernel takes. */
const tensor = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(fc.constantFrom('float32', 'float32', 'int32', 'bool'), fc.array(size, {maxLength: 5}))
      .map(([dtype, sizes]) => [dtype, ...sizes]),
  },
  {weight: 1, arbitrary: fc.constantFrom('text', 'disposed', null, undefined, 3)},
);

const integers = fc.array(fc.integer({min: -3, max: 4}), {maxLength: 5});
const fitting = fc.oneof(integers, fc.integer({min: -3, max: 4}), fc.boolean());
/** No list as long as JavaScript has them: a kernel would go through it. */
const wrong = weird().filter((value) => !Array.isArray(value) || value.length < 10);
const value = fc.oneof(
  {weight: 4, arbitrary: fitting},
  {
    weight: 2,
    arbitrary: fc.constantFrom('same', 'valid', 'NHWC', 'NCHW', 'float32', 'int32', 'complex64', 'relu'),
  },
  {weight: 1, arbitrary: wrong},
);

const INPUTS = [
  'x',
  'a',
  'b',
  'condition',
  't',
  'e',
  'filter',
  'weight',
  'dy',
  'y',
  'indices',
  'logits',
  'input',
  'value',
  'scale',
  'offset',
  'mean',
  'variance',
  'inverseDeviation',
  'residual',
];
const ATTRIBUTES = [
  ...['strides', 'pad', 'dataFormat', 'dilations', 'dimRoundingMode', 'filterShape', 'inputShape', 'stride'],
  ...[
    'padding',
    'dilation',
    'groups',
    'axis',
    'dims',
    'dim',
    'keepDims',
    'shape',
    'begin',
    'size',
    'perm',
    'reps',
  ],
  ...['paddings', 'constantValue', 'batchDims', 'value', 'alpha', 'clipValueMin', 'clipValueMax'],
  ...['transposeA', 'transposeB', 'factor', 'epsilon', 'varianceEpsilon', 'activation', 'hasResidual'],
];

/** The same arbitrary under each name. */
function record(names, arbitrary) {
  return fc.record(Object.fromEntries(names.map((name) => [name, arbitrary])));
}

/** Few inputs for the kernels that take all they are given. */
const inputs = fc.oneof(record(INPUTS, tensor), record(['x', 'a'], tensor));

const dtype = fc.constantFrom('float32', 'int32', 'bool', 'string', 'complex64', 'same');
const attributes = fc
  .tuple(record(ATTRIBUTES, value), dtype)
  .map(([values, type]) => ({...values, dtype: type}));

/** [kernel, inputs, attributes] */
export const KERNEL_CALLS = fc.tuple(fc.constantFrom(...NAMES), inputs, attributes);
