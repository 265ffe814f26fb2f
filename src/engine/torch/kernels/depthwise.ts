/** @file Depthwise convolution: a grouped one of libtorch's, with a group for each input channel. */
import * as tf from '@tensorflow/tfjs';
import type {TorchBackend} from '../backend.js';
import {type Layout, nchw, TorchOrder} from '../layout.js';
import {type Handle, operator, operatorMany} from '../native.js';
import {isFloat, type Operand, register, scalarType} from './register.js';
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

const convolution = operator('convolution');
const backward = operatorMany('convolution_backward');
const reshape = operator('reshape');
const permute = operator('permute');
const clone = operator('clone');
const empty = operator('empty.memory_format');

const CONTIGUOUS = 0; // c10::MemoryFormat

/** [height, width, channels, multiplier] in TensorFlow.js; libtorch wants the two last axes, as one, first. */
const CHANNELS_FIRST: Layout = {toTorch: [2, 3, 0, 1], fromTorch: [2, 3, 0, 1]};

interface DepthwiseAttributes extends WindowAttributes {
  /** Null means 1. */
  readonly dilations?: number | [number, number] | null;
}

interface Geometry {
  readonly info: WindowInfo;
  /** What libtorch does not pad by itself. */
  readonly margins: Margins;
  /** From the stride on, in the order of libtorch's arguments. */
  readonly steps: [number[], number[], number[], false, number[], number];
}

function geometry(
  x: readonly number[],
  filter: readonly number[],
  attributes: DepthwiseAttributes,
): Geometry {
  const {strides, pad, dimRoundingMode} = attributes;
  const shapes: [Shape4D, Shape4D] = [[...x] as Shape4D, [...filter] as Shape4D];
  const info = tf.backend_util.computeConv2DInfo(
    ...shapes,
    strides,
    attributes.dilations ?? 1,
    pad,
    dimRoundingMode,
    true,
  );
  const [left, right, top, bottom] = marginsOf(info);
  const isEven = left === right && top === bottom;
  return {
    info,
    margins: isEven ? NO_MARGINS : [left, right, top, bottom],
    steps: [
      stridesOf(info),
      isEven ? [top, left] : [0, 0],
      [info.dilationHeight, info.dilationWidth],
      false,
      [0, 0],
      info.inChannels,
    ],
  };
}

const laidOut = new WeakSet<tf.DataId>();

/** The filter as [channels · multiplier, 1, height, width]; it keeps that order in memory, so this is a view. */
function groupedWeight(filter: Operand, torch: TorchBackend): Handle {
  if (!laidOut.has(filter.info.dataId)) {
    torch.replaceLayout(filter.info, (handle) =>
      permute(clone(permute(handle, CHANNELS_FIRST.toTorch), CONTIGUOUS), CHANNELS_FIRST.fromTorch),
    );
    laidOut.add(filter.info.dataId);
  }
  const [height, width, channels, multiplier] = filter.shape;
  return reshape(filter.in(CHANNELS_FIRST), [channels * multiplier, 1, height, width]);
}

/** TensorFlow.js refuses other combinations, and so does its kernel. */
function isPlain(inputs: tf.TensorInfo[], {strides, dilations}: DepthwiseAttributes): boolean {
  return isFloat(inputs) && tf.backend_util.eitherStridesOrDilationsAreOne(strides, dilations ?? 1);
}

/** TensorFlow.js's own gradients pass over dilations, which its tape therefore refuses. */
function isDense(inputs: tf.TensorInfo[], {dilations}: DepthwiseAttributes): boolean {
  return isFloat(inputs) && tf.backend_util.tupleValuesAreOne(dilations ?? 1);
}

/** A gradient of another size than the convolution's output means nothing to libtorch. */
function fits(dy: tf.TensorInfo, {info}: Geometry): boolean {
  return tf.util.arraysEqual(dy.shape, info.outShape);
}

register<DepthwiseAttributes>(
  'DepthwiseConv2dNative',
  ({x, filter}, attributes, torch) => {
    const {margins, steps} = geometry(x.shape, filter.shape, attributes);
    return nchw(convolution(withMargins(x.nchw, margins, 0), groupedWeight(filter, torch), null, ...steps));
  },
  isPlain,
);

register<DepthwiseAttributes & {inputShape: Shape4D}>(
  'DepthwiseConv2dNativeBackpropInput',
  ({dy, filter}, attributes, torch) => {
    const {info, margins, steps} = geometry(attributes.inputShape, filter.shape, attributes);
    const [left, right, top, bottom] = margins;
    const {batchSize, inChannels, inHeight, inWidth} = info;
    const sizes = [batchSize, inChannels, inHeight + top + bottom, inWidth + left + right];
    const input = empty(sizes, scalarType('float32'));
    const operands = [dy.nchw, input, groupedWeight(filter, torch)];
    const gradient = backward(...operands, null, ...steps, [true, false, false])[0];
    return nchw(withoutMargins(gradient, margins, info));
  },
  ([dy, filter], attributes) =>
    isDense([dy, filter], attributes) && fits(dy, geometry(attributes.inputShape, filter.shape, attributes)),
);

register<DepthwiseAttributes & {filterShape: Shape4D}>(
  'DepthwiseConv2dNativeBackpropFilter',
  ({x, dy}, attributes) => {
    const {margins, steps} = geometry(x.shape, attributes.filterShape, attributes);
    const [height, width, channels, multiplier] = attributes.filterShape;
    const weight = empty([channels * multiplier, 1, height, width], scalarType('float32'));
    const operands = [dy.nchw, withMargins(x.nchw, margins, 0), weight];
    const gradient = backward(...operands, null, ...steps, [false, true, false])[1];
    return new TorchOrder(reshape(gradient, [channels, multiplier, height, width]), CHANNELS_FIRST);
  },
  ([x, dy], attributes) =>
    isDense([x, dy], attributes) && fits(dy, geometry(x.shape, attributes.filterShape, attributes)),
);
