/** @file Pooling. libtorch pads both sides alike; where TensorFlow.js does not, the margins are added before. */
import * as tf from '@tensorflow/tfjs';
import {nchw} from '../layout.js';
import {type Handle, operator, operatorMany} from '../native.js';
import {constant} from './constant.js';
import {isFloat, type Operand, register} from './register.js';
import {
  type Margins,
  marginsOf,
  NO_MARGINS,
  type Shape4D,
  strides as stridesOf,
  type WindowAttributes,
  type WindowInfo,
  withMargins,
  withoutMargins,
} from './windows.js';

const maxPool = operatorMany('max_pool2d_with_indices');
const maxPoolBackward = operator('max_pool2d_with_indices_backward');
const averagePool = operator('avg_pool2d');
const averagePoolBackward = operator('avg_pool2d_backward');
const replaceNaN = operator('nan_to_num');
const divide = operator('div.Tensor');
const clone = operator('clone');

interface PoolAttributes extends WindowAttributes {
  readonly filterSize: number | [number, number];
}

interface Geometry {
  readonly info: WindowInfo;
  /** What libtorch does not pad by itself. */
  readonly margins: Margins;
  readonly window: [size: number[], stride: number[], padding: number[]];
  /** Whether windows may reach over the far edges. */
  readonly ceil: boolean;
}

/** How many windows libtorch lays over a length (ATen/native/Pool.h). */
function windows(length: number, size: number, stride: number, padding: number, ceil: boolean): number {
  const steps = (length + 2 * padding - size) / stride;
  if (!ceil) return Math.floor(steps) + 1;
  const count = Math.ceil(steps) + 1;
  // The last one must begin within the image or before it.
  return (count - 1) * stride >= length + padding ? count - 1 : count;
}

/** Whether libtorch's own padding lays the same windows. */
function coincides(info: WindowInfo, ceil: boolean): boolean {
  const {top, left} = info.padInfo;
  const {inHeight, inWidth, filterHeight, filterWidth, strideHeight, strideWidth} = info;
  return (
    2 * top <= filterHeight &&
    2 * left <= filterWidth &&
    windows(inHeight, filterHeight, strideHeight, top, ceil) === info.outHeight &&
    windows(inWidth, filterWidth, strideWidth, left, ceil) === info.outWidth
  );
}

function geometry(x: readonly number[], attributes: PoolAttributes): Geometry {
  const {filterSize, strides, pad, dimRoundingMode} = attributes;
  const shape = [...x] as Shape4D;
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const ceil = !coincides(info, false) && coincides(info, true);
  const isNative = ceil || coincides(info, false);
  const {filterHeight, filterWidth, padInfo} = info;
  return {
    info,
    margins: isNative ? NO_MARGINS : marginsOf(info),
    window: [[filterHeight, filterWidth], stridesOf(info), isNative ? [padInfo.top, padInfo.left] : [0, 0]],
    ceil,
  };
}

/** Windows of one cell that keep the shape: TensorFlow.js hands the input on, whatever stride and padding say. */
function isIdentity({filterHeight, filterWidth, inShape, outShape}: WindowInfo): boolean {
  return filterHeight === 1 && filterWidth === 1 && tf.util.arraysEqual(inShape, outShape);
}

/** The image as the maximum sees it: NaN is passed over, and so are the margins. */
function withoutNaN(x: Operand, margins: Margins): Handle {
  const infinities = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const numbers = replaceNaN(x.nchw, Number.NEGATIVE_INFINITY, ...infinities);
  return withMargins(numbers, margins, Number.NEGATIVE_INFINITY);
}

const UNDILATED = [1, 1];

register<PoolAttributes>('MaxPool', ({x}, attributes) => {
  const {info, margins, window, ceil} = geometry(x.shape, attributes);
  if (isIdentity(info)) return nchw(clone(x.nchw));
  return nchw(maxPool(withoutNaN(x, margins), ...window, UNDILATED, ceil)[0]);
});

/** A gradient of another size than the pooled image means nothing to libtorch; TensorFlow.js cuts it. */
function fits([dy, input]: tf.TensorInfo[], attributes: PoolAttributes): boolean {
  return (
    isFloat([dy, input]) && tf.util.arraysEqual(dy.shape, geometry(input.shape, attributes).info.outShape)
  );
}

register<PoolAttributes>(
  'MaxPoolGrad',
  ({dy, input}, attributes) => {
    const {info, margins, window, ceil} = geometry(input.shape, attributes);
    const image = withoutNaN(input, margins);
    const indices = maxPool(image, ...window, UNDILATED, ceil)[1];
    const gradient = maxPoolBackward(dy.nchw, image, ...window, UNDILATED, ceil, indices);
    return nchw(withoutMargins(gradient, margins, info));
  },
  fits,
);

/** Along one axis, how many cells of the image each window covers. */
function coverage(count: number, stride: number, size: number, before: number, length: number): number[] {
  return Array.from({length: count}, (_, i) => {
    const start = i * stride - before;
    return Math.max(0, Math.min(start + size, length) - Math.max(start, 0));
  });
}

/** How many cells of the image each window covers, as [1, 1, outHeight, outWidth]. */
function coveredCells(info: WindowInfo): Handle {
  const {outHeight, outWidth, filterHeight, filterWidth, padInfo} = info;
  const rows = coverage(outHeight, info.strideHeight, filterHeight, padInfo.top, info.inHeight);
  const columns = coverage(outWidth, info.strideWidth, filterWidth, padInfo.left, info.inWidth);
  const cells = Float32Array.from(rows.flatMap((row) => columns.map((column) => row * column)));
  return constant(cells, [1, 1, outHeight, outWidth]);
}

const IMAGE_ONLY = [false, null] as const; // the padding does not count; the divisor is what a window covers
const SUM = [true, 1] as const; // everything counts; the divisor is 1

register<PoolAttributes>('AvgPool', ({x}, attributes) => {
  const {info, margins, window, ceil} = geometry(x.shape, attributes);
  if (isIdentity(info)) return nchw(clone(x.nchw));
  if (margins === NO_MARGINS) return nchw(averagePool(x.nchw, ...window, ceil, ...IMAGE_ONLY));
  const sums = averagePool(withMargins(x.nchw, margins, 0), ...window, ceil, ...SUM);
  return nchw(divide(sums, coveredCells(info)));
});

/** TensorFlow.js divides by the whole window, at the borders too, where the average was over fewer cells. */
register<PoolAttributes>(
  'AvgPoolGrad',
  ({dy, input}, attributes) => {
    const {info, margins, window, ceil} = geometry(input.shape, attributes);
    const wholeWindow = [true, info.filterHeight * info.filterWidth] as const;
    const image = withMargins(input.nchw, margins, 0);
    const gradient = averagePoolBackward(dy.nchw, image, ...window, ceil, ...wholeWindow);
    return nchw(withoutMargins(gradient, margins, info));
  },
  fits,
);
