/** @file Operators to call, with what their schemas want: mostly that, sometimes anything else, too little or too much. */
import fc from 'fast-check';
import {
  axis,
  boolean,
  flags,
  integer,
  nothing,
  number,
  one,
  pair,
  sizes,
  tensor,
  tensors,
  type,
  weird,
} from './boundaryValues.mjs';

const text = fc.constantFrom('floor', 'trunc', 'nonsense', 'none', 'cpu', 'ij,jk->ik', 'a\0b', '');
const device = fc.constantFrom('cpu', 'meta', 'cuda:0', 'nonsense', '');
const maybe = (arbitrary) => fc.oneof({weight: 2, arbitrary}, nothing);
const images = one('image', 'view', 'kernel', 'emptyImage', 'matrix', 'doubles');
const kernels = one('kernel', 'image', 'gradient', 'vector', 'emptyHuge');
const fitting = fc.constantFrom([1, 1], [2, 2], [1], [0, 0]);
const steps = fc.oneof({weight: 4, arbitrary: fitting}, pair);
// libtorch 1.13 itself divides by the number of groups: 0, 2^32 and its multiples end the process.
const groups = fc.constantFrom(-1, 1, 2, 3, 5, 7, 2 ** 20);
const convolution = [steps, steps, steps, boolean, steps, groups];
// What is cut into as many tensors as it has rows must not have 2^52.
const few = one('scalar', 'vector', 'image', 'view', 'bools', 'empty', 'emptyRows', 'released');
const channels = one('vector', 'released', 'invented');

const UNARY = [
  'abs',
  'exp',
  'relu',
  'sigmoid',
  'sqrt',
  'neg',
  'round',
  'tanh',
  'square',
  'logical_not',
  't',
  'clone',
];
const BINARY = [
  'maximum',
  'atan2',
  'eq.Tensor',
  'gt.Tensor',
  'matmul',
  'mm',
  'bmm',
  'dot',
  'pow.Tensor_Tensor',
];
const REDUCTION = ['sum.dim_IntList', 'mean.dim', 'amax', 'amin', 'logsumexp'];

const SCHEMAS = {
  ...Object.fromEntries(UNARY.map((name) => [name, [tensor]])),
  ...Object.fromEntries(BINARY.map((name) => [name, [tensor, tensor]])),
  ...Object.fromEntries(REDUCTION.map((name) => [name, [tensor, sizes, boolean]])),
  'add.Tensor': [tensor, tensor, number],
  'add_.Tensor': [tensor, tensor, number],
  'add.Scalar': [tensor, number, number],
  // The pool has no integer that is -2^31: libtorch 1.13 ends the process on its quotient by -1.
  'div.Tensor_mode': [tensor, tensor, text],
  'remainder.Tensor': [tensor, tensor],
  'where.self': [tensor, tensor, tensor],
  clamp: [tensor, maybe(number), maybe(number)],
  addmm: [tensor, tensor, tensor, number, number],
  einsum: [text, tensors],
  convolution: [images, kernels, maybe(channels), ...convolution],
  convolution_backward: [
    ...[one('gradient', 'image', 'matrix', 'emptyImage'), images, kernels, maybe(sizes), ...convolution],
    flags,
  ],
  // libtorch 1.13 ends the process on empty images, and reads statistics that are too short beyond their end.
  native_batch_norm: [
    ...[one('image', 'matrix', 'doubles'), maybe(channels), maybe(channels), channels, channels],
    ...[boolean, number, number],
  ],
  native_batch_norm_backward: [
    ...[one('image'), one('image'), channels, channels, channels, channels, channels, boolean, number, flags],
  ],
  cat: [tensors, axis],
  stack: [tensors, axis],
  index_select: [tensor, axis, tensor],
  gather: [tensor, axis, tensor],
  embedding: [tensor, tensor],
  'index.Tensor': [tensor, fc.array(maybe(tensor), {maxLength: 3})],
  'scatter.src': [tensor, axis, tensor, tensor],
  reshape: [tensor, sizes],
  view: [tensor, sizes],
  expand: [tensor, sizes],
  permute: [tensor, fc.oneof(fc.constantFrom([0, 3, 1, 2], [1, 0]), sizes)],
  'transpose.int': [tensor, axis, axis],
  'slice.Tensor': [tensor, axis, maybe(integer), maybe(integer), integer],
  'select.int': [tensor, axis, integer],
  narrow: [tensor, axis, integer, integer],
  as_strided: [tensor, sizes, sizes, maybe(integer)],
  flip: [tensor, sizes],
  tile: [tensor, sizes],
  repeat: [tensor, sizes],
  constant_pad_nd: [tensor, sizes, number],
  // libtorch 1.13 reads a padding of fewer than four numbers beyond its end.
  reflection_pad2d: [images, fc.tuple(...Array(4).fill(fc.integer({min: -4, max: 4})))],
  'split.Tensor': [few, integer, axis],
  'unbind.int': [few, axis],
  upsample_nearest2d: [images, pair],
  upsample_nearest2d_backward: [images, pair, sizes],
  upsample_bilinear2d: [images, pair, boolean],
  max_pool2d: [images, steps, steps, steps, steps, boolean],
  max_pool2d_with_indices: [images, steps, steps, steps, steps, boolean],
  avg_pool2d: [images, steps, steps, steps, boolean, boolean, maybe(integer)],
  adaptive_avg_pool2d: [images, pair],
  'softmax.int': [tensor, axis, maybe(type)],
  'log_softmax.int': [tensor, axis, maybe(type)],
  cumsum: [tensor, axis],
  argmax: [tensor, maybe(axis), boolean],
  topk: [tensor, integer, axis, boolean, boolean],
  sort: [tensor, axis, boolean],
  '_foreach_add.List': [tensors, tensors, number],
  '_foreach_add_.List': [tensors, tensors, number],
  '_foreach_mul_.Scalar': [tensors, number],
  _foreach_sqrt: [tensors],
  '_foreach_addcdiv_.Scalar': [tensors, tensors, tensors, number],
  'empty.memory_format': [sizes, maybe(type), maybe(integer), maybe(device), maybe(boolean), maybe(integer)],
  full: [sizes, number, maybe(type)],
  zeros: [sizes, maybe(type), maybe(integer), maybe(device)],
  eye: [integer, maybe(type)],
  linspace: [number, number, integer],
  'arange.start_step': [integer, integer, integer],
  'to.dtype': [tensor, type, boolean, boolean, maybe(integer)],
  one_hot: [tensor, integer],
};

// libtorch 1.13 ends the process where statistics are missing.
const NEED_ALL = ['native_batch_norm', 'native_batch_norm_backward'];

/** Arguments of which some may be wrong, the last may be missing, and there may be more. */
function damaged(name, schema) {
  const wrong = NEED_ALL.includes(name) ? weird().filter((value) => value != null) : weird();
  const each = schema.map((fits) => fc.oneof({weight: 12, arbitrary: fits}, {weight: 1, arbitrary: wrong}));
  const args = fc.tuple(...each);
  const fewer = fc.tuple(args, fc.nat(schema.length)).map(([list, length]) => list.slice(0, length));
  const more = fc.tuple(args, fc.array(weird(), {maxLength: 20})).map(([list, extra]) => [...list, ...extra]);
  return fc.oneof({weight: 12, arbitrary: args}, {weight: 1, arbitrary: fewer}, {weight: 1, arbitrary: more});
}

/** [operator, ...arguments]; a text that begins with $ names a tensor of the pool. */
export const CALLS = fc.oneof(
  ...Object.entries(SCHEMAS).map(([name, schema]) => damaged(name, schema).map((args) => [name, ...args])),
);
