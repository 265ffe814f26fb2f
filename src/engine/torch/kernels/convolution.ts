/**
 * @file Convolutions and matrix products. An NHWC tensor seen as NCHW is libtorch's channels_last layout, so the
 * permutations are views; the weights are brought into that layout once, behind their logical HWIO shape.
 */
import * as tf from '@tensorflow/tfjs';
import type {Activation} from '../../ops/batchNorm.js';
import type {ConvolutionOptions} from '../../ops/convolution.js';
import {KERNELS} from '../../ops/kernels.js';
import {currentPrecision} from '../../precision.js';
import type {TorchBackend} from '../backend.js';
import {nchw, OIHW, TorchOrder} from '../layout.js';
import {type Handle, operator, predicate, SCALAR_TYPES} from '../native.js';
import {isFloat, type Operand, type Operands, register} from './register.js';
import {ACTIVATIONS} from './training.js';
import {
  marginsOf,
  NO_MARGINS,
  type Shape4D,
  type WindowAttributes,
  withMargins,
  withoutMargins,
} from './windows.js';

const permute = operator('permute');
/** Of x, weight, bias or null, and a `Geometry`. */
export const convolution = operator('posecraft::convolution');
/** Of dy, x, weight and a `Geometry`. */
export const inputGradient = operator('posecraft::convolution_input_gradient');
/** The same operands; in float32. */
export const weightGradient = operator('posecraft::convolution_weight_gradient');
const takesFullWeight = predicate('posecraft::takes_full_weight');
const normalizeInto = operator('posecraft::batch_norm_inference_');
const to = operator('to.dtype');
const clone = operator('clone');
const empty = operator('empty.memory_format');
const matmul = operator('matmul');
const transpose = operator('transpose.int');

const CHANNELS_LAST = 2; // c10::MemoryFormat

const laidOut = new WeakSet<tf.DataId>();

/**
 * The weight as OIHW in channels_last; the tensor keeps that layout, so an optimiser's steps in place keep it too.
 * It is copied even if it lies so already: strides of axes of length 1 are free, and libtorch's choice of kernels
 * follows them, so that a run and the same run resumed would differ in the last digit.
 */
export function convolutionWeight(weight: Operand, torch: TorchBackend): Handle {
  if (!laidOut.has(weight.info.dataId)) {
    torch.replaceLayout(weight.info, (handle) =>
      permute(clone(permute(handle, OIHW.toTorch), CHANNELS_LAST), OIHW.fromTorch),
    );
    laidOut.add(weight.info.dataId);
  }
  return weight.in(OIHW);
}

/** Of a convolution. */
export type Geometry = [stride: number[], padding: number[], dilation: number[], groups: number];

export function geometry({stride, padding, dilation, groups}: ConvolutionOptions): Geometry {
  return [[stride, stride], [padding, padding], [dilation, dilation], groups];
}

/** An activation in the precision in force. */
function inPrecision(operand: Operand): Handle {
  if (currentPrecision() !== 'bf16') return operand.nchw;
  const handle = operand.storedNchw;
  return operand.isHalf ? handle : to(handle, SCALAR_TYPES.bfloat16);
}

/** The convolutions of which the addon was asked last, by their weights. */
const asked = new WeakMap<tf.DataId, {options: ConvolutionOptions; isFull: boolean}>();

/** Whether a convolution of inputs in bfloat16 takes its weight in float32. Asking the addon costs as much as a small kernel. */
function isTakenInFull(weight: Operand, handle: Handle, options: ConvolutionOptions): boolean {
  const known = asked.get(weight.info.dataId);
  if (known && isSame(known.options, options)) return known.isFull;
  const isFull = takesFullWeight(handle, ...geometry(options));
  asked.set(weight.info.dataId, {options, isFull});
  return isFull;
}

function isSame(a: ConvolutionOptions, b: ConvolutionOptions): boolean {
  return (
    a.stride === b.stride && a.padding === b.padding && a.dilation === b.dilation && a.groups === b.groups
  );
}

/** Of a convolution of activations in the precision in force. */
function weightFor(options: ConvolutionOptions, weight: Operand, torch: TorchBackend): Handle {
  const handle = convolutionWeight(weight, torch);
  const isFull = currentPrecision() !== 'bf16' || isTakenInFull(weight, handle, options);
  return isFull ? handle : torch.halfCopy(weight.info, OIHW, handle);
}

function convolve({x, weight, bias}: Operands, options: ConvolutionOptions, torch: TorchBackend): Handle {
  const isHalf = currentPrecision() === 'bf16';
  const offset = bias && (isHalf ? to(bias.handle, SCALAR_TYPES.bfloat16) : bias.handle);
  return convolution(inPrecision(x), weightFor(options, weight, torch), offset ?? null, ...geometry(options));
}

register<ConvolutionOptions>(KERNELS.convolution, (operands, options, torch) =>
  nchw(convolve(operands, options, torch)),
);

register<ConvolutionOptions & {epsilon: number; activation: Activation}>(
  KERNELS.convolutionNormalized,
  (operands, {epsilon, activation, ...options}, torch) => {
    const {scale, offset, mean, variance, residual} = operands;
    const y = convolve(operands, options, torch);
    const channels = [scale, offset, mean, variance].map(({handle}) => handle);
    normalizeInto(y, residual?.storedNchw ?? null, ...channels, epsilon, ACTIVATIONS[activation]);
    return nchw(y);
  },
);

type Arguments = [dy: Handle, x: Handle, weight: Handle, ...Geometry];

function gradientArguments(
  {dy, x, weight}: Operands,
  options: ConvolutionOptions,
  torch: TorchBackend,
): Arguments {
  return [inPrecision(dy), inPrecision(x), weightFor(options, weight, torch), ...geometry(options)];
}

register<ConvolutionOptions>(KERNELS.convolutionInputGradient, (operands, options, torch) =>
  nchw(inputGradient(...gradientArguments(operands, options, torch))),
);

register<ConvolutionOptions>(
  KERNELS.convolutionWeightGradient,
  (operands, options, torch) =>
    new TorchOrder(weightGradient(...gradientArguments(operands, options, torch)), OIHW),
);

// TensorFlow.js's own convolution kernels follow.

interface Conv2DAttributes extends WindowAttributes {
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dilations?: number | [number, number];
}

/** Padding that differs from side to side is no geometry: it goes round the image as margins. */
function describe(x: readonly number[], weight: readonly number[], attributes: Conv2DAttributes) {
  const {strides, pad, dilations = 1, dimRoundingMode} = attributes;
  const [image, filter] = [[...x] as Shape4D, [...weight] as Shape4D];
  const info = tf.backend_util.computeConv2DInfo(image, filter, strides, dilations, pad, dimRoundingMode);
  const around = marginsOf(info);
  const [left, right, top, bottom] = around;
  const isEven = left === right && top === bottom;
  const steps: Geometry = [
    [info.strideHeight, info.strideWidth],
    isEven ? [top, left] : [0, 0],
    [info.dilationHeight, info.dilationWidth],
    1,
  ];
  return {steps, margins: isEven ? NO_MARGINS : around, info};
}

/** What libtorch takes: not an empty batch, nor no channels. */
const isNhwc = (inputs: tf.TensorInfo[], {dataFormat}: Conv2DAttributes): boolean =>
  isFloat(inputs) && dataFormat === 'NHWC' && !inputs.some(({shape}) => shape.includes(0));

register<Conv2DAttributes>(
  'Conv2D',
  ({x, filter}, attributes, torch) => {
    const {steps, margins} = describe(x.shape, filter.shape, attributes);
    const padded = withMargins(x.nchw, margins, 0);
    return nchw(convolution(padded, convolutionWeight(filter, torch), null, ...steps));
  },
  isNhwc,
);

register<Conv2DAttributes & {filterShape: Shape4D}>(
  'Conv2DBackpropFilter',
  ({x, dy}, attributes) => {
    const {steps, margins, info} = describe(x.shape, attributes.filterShape, attributes);
    const weight = empty([info.outChannels, info.inChannels, info.filterHeight, info.filterWidth], 6);
    const operands = [dy.nchw, withMargins(x.nchw, margins, 0), weight];
    return new TorchOrder(weightGradient(...operands, ...steps), OIHW);
  },
  isNhwc,
);

register<Conv2DAttributes & {inputShape: Shape4D}>(
  'Conv2DBackpropInput',
  ({dy, filter}, attributes, torch) => {
    const {steps, margins, info} = describe(attributes.inputShape, filter.shape, attributes);
    const [left, right, top, bottom] = margins;
    const size = [info.inHeight + top + bottom, info.inWidth + left + right];
    const input = empty([info.batchSize, info.inChannels, ...size], 6);
    const operands = [dy.nchw, input, convolutionWeight(filter, torch)];
    return nchw(withoutMargins(inputGradient(...operands, ...steps), margins, info));
  },
  // A gradient of another size than the convolution's output means nothing to libtorch; TensorFlow.js cuts it.
  ([dy, filter], attributes) => {
    const {outHeight, outWidth} = describe(attributes.inputShape, filter.shape, attributes).info;
    const fits = dy.shape[1] === outHeight && dy.shape[2] === outWidth;
    return fits && isNhwc([dy, filter], attributes);
  },
);

register<{transposeA: boolean; transposeB: boolean}>('BatchMatMul', ({a, b}, {transposeA, transposeB}) => {
  const ranks = [a.shape.length, b.shape.length];
  tf.util.assert(Math.min(...ranks) >= 2, () => `matMul: needs matrices, and got ranks ${ranks}`);
  const left = transposeA ? transpose(a.handle, -2, -1) : a.handle;
  const right = transposeB ? transpose(b.handle, -2, -1) : b.handle;
  return matmul(left, right);
});
