/** @file Kernels that cut images and other tensors up and put them together in another order, and sums of products. */
import * as tf from '@tensorflow/tfjs';
import {type Handle, operator} from '../native.js';
import {isNumeric, isStored, register} from './register.js';

const reshape = operator('reshape');
const permute = operator('permute');
const clone = operator('clone');
const slice = operator('slice.Tensor');
const flip = operator('flip');
const pad = operator('constant_pad_nd');
const einsum = operator('einsum');

register<{blockShape: number[]; paddings: number[][]}>('SpaceToBatchND', ({x}, {blockShape, paddings}) => {
  const count = tf.util.sizeFromShape(blockShape);
  const around = x.shape.map((_, axis) => paddings[axis - 1] ?? [0, 0]);
  const shape = x.shape.map((size, axis) => size + around[axis][0] + around[axis][1]);
  const {getReshaped, getPermuted, getReshapedPermuted} = tf.backend_util;
  const split = getReshaped(shape, blockShape, count, false);
  // libtorch counts axes from the last.
  const blocks = reshape(pad(x.handle, [...around].reverse().flat(), 0), split);
  const order = getPermuted(split.length, blockShape.length, false);
  return reshape(permute(blocks, order), getReshapedPermuted(shape, blockShape, count, false));
});

register<{blockShape: number[]; crops: number[][]}>(
  'BatchToSpaceND',
  ({x}, {blockShape, crops}) => {
    const count = tf.util.sizeFromShape(blockShape);
    const {getReshaped, getPermuted, getReshapedPermuted} = tf.backend_util;
    const split = getReshaped([...x.shape], blockShape, count);
    const joined = getReshapedPermuted([...x.shape], blockShape, count);
    const order = getPermuted(split.length, blockShape.length);
    const whole = reshape(permute(reshape(x.handle, split), order), joined);
    const cut = crops.reduce(
      (image, [before, after], i) => slice(image, i + 1, before, joined[i + 1] - after, 1),
      whole,
    );
    return clone(cut);
  },
  isStored,
);

register<{blockSize: number; dataFormat: string}>(
  'DepthToSpace',
  ({x}, {blockSize}) => {
    const [batch, height, width, channels] = x.shape;
    const depth = channels / blockSize ** 2;
    const blocks = reshape(x.handle, [batch, height, width, blockSize, blockSize, depth]);
    const sizes = [batch, height * blockSize, width * blockSize, depth];
    return reshape(permute(blocks, [0, 1, 3, 2, 4, 5]), sizes);
  },
  (inputs, {dataFormat}) => isNumeric(inputs) && dataFormat === 'NHWC',
);

register('FlipLeftRight', ({image}) => flip(image.handle, [2]), isStored);

register<{numOrSizeSplits: number | number[]; axis: number}>(
  'SplitV',
  ({x}, {numOrSizeSplits, axis}) => {
    const [along] = tf.util.parseAxisParam(axis, [...x.shape]);
    let start = 0;
    return tf.backend_util.prepareSplitSize(x.info as tf.Tensor, numOrSizeSplits, along).map((size) => {
      start += size;
      return clone(slice(x.handle, along, start - size, start, 1));
    });
  },
  isStored,
);

interface StridedSliceAttributes {
  readonly begin: number[];
  readonly end: number[];
  readonly strides: number[];
  readonly beginMask: number;
  readonly endMask: number;
  readonly ellipsisMask: number;
  readonly newAxisMask: number;
  readonly shrinkAxisMask: number;
}

/** `count` elements along an axis from `begin` on, forwards or backwards. */
function strided(x: Handle, axis: number, begin: number, stride: number, count: number): Handle {
  if (count === 0) return slice(x, axis, 0, 0, 1);
  const end = begin + (count - 1) * stride;
  return stride > 0
    ? slice(x, axis, begin, end + 1, stride)
    : flip(slice(x, axis, end, begin + 1, -stride), [axis]);
}

register<StridedSliceAttributes>(
  'StridedSlice',
  ({x}, attributes) => {
    const {begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask} = attributes;
    const masks = [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] as const;
    const info = tf.slice_util.sliceInfo([...x.shape], begin, end, strides, ...masks);
    const sizes = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
    const cut = sizes.reduce(
      (part, size, axis) => strided(part, axis, info.begin[axis], info.strides[axis], size),
      x.handle,
    );
    return clone(reshape(cut, info.finalShape));
  },
  isStored,
);

register<{equation: string}>('Einsum', (inputs, {equation}) => {
  const operands = Object.values(inputs);
  const {allDims, idDims} = tf.backend_util.decodeEinsumEquation(equation, operands.length);
  tf.backend_util.checkEinsumDimSizes(
    allDims.length,
    idDims,
    operands.map(({info}) => info as tf.Tensor),
  );
  const handles = operands.map(({handle}) => handle);
  const product = einsum(equation, handles);
  // Of one operand it may be a view.
  return handles.length === 1 ? clone(product) : product;
});
