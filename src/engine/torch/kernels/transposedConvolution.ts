/**
 * @file Transposed convolution as what it is, the gradient of a convolution by its input, and its own gradients by that
 * convolution. libtorch's operator with `transposed` set takes about 1.8 times as long on a CPU, and gives its result
 * in another memory layout than the convolutions around it have.
 */
import type * as tf from '@tensorflow/tfjs';
import {KERNELS} from '../../ops/kernels.js';
import {type TransposedConvolutionOptions, transposedSize} from '../../ops/transposedConvolution.js';
import type {TorchBackend} from '../backend.js';
import {NCHW, nchw, OIHW, TorchOrder} from '../layout.js';
import {type Handle, operator, operatorMany} from '../native.js';
import {type Operand, register} from './register.js';

const convolution = operator('convolution');
const backward = operatorMany('convolution_backward');
const permute = operator('permute');
const clone = operator('clone');
const newEmpty = operator('new_empty');
const addInto = operator('add_.Tensor');

const CHANNELS_LAST = 2; // c10::MemoryFormat

const laidOut = new WeakSet<tf.DataId>();

/** The weight in channels_last, as that of the convolution of which this is the gradient; laid out so once, for good. */
function convolutionWeight(weight: Operand, torch: TorchBackend): Handle {
  if (!laidOut.has(weight.info.dataId)) {
    torch.replaceLayout(weight.info, (handle) =>
      permute(clone(permute(handle, OIHW.toTorch), CHANNELS_LAST), OIHW.fromTorch),
    );
    laidOut.add(weight.info.dataId);
  }
  return weight.in(OIHW);
}

type Geometry = [
  stride: number[],
  padding: number[],
  dilation: number[],
  transposed: false,
  outputPadding: number[],
  groups: number,
];

function geometry({stride, padding, groups}: TransposedConvolutionOptions): Geometry {
  return [[stride, stride], [padding, padding], [1, 1], false, [0, 0], groups];
}

register<TransposedConvolutionOptions>(KERNELS.transposedConvolution, ({x, weight, bias}, options, torch) => {
  const [batch, height, width] = x.shape;
  const [kernelHeight, kernelWidth, outputs] = weight.shape;
  const rows = transposedSize(height, kernelHeight, options);
  const columns = transposedSize(width, kernelWidth, options);
  // Only its shape and its layout are asked.
  const y = newEmpty(x.handle, [batch, rows, columns, outputs * options.groups]);
  const operands = [x.nchw, permute(y, NCHW.toTorch), convolutionWeight(weight, torch)];
  const result = backward(...operands, null, ...geometry(options), [true, false, false])[0];
  if (bias) addInto(permute(result, NCHW.fromTorch), bias.handle);
  return nchw(result);
});

register<TransposedConvolutionOptions>(
  KERNELS.transposedConvolutionInputGradient,
  ({dy, weight}, options, torch) =>
    nchw(convolution(dy.nchw, convolutionWeight(weight, torch), null, ...geometry(options))),
);

register<TransposedConvolutionOptions>(
  KERNELS.transposedConvolutionWeightGradient,
  ({dy, x, weight}, options, torch) => {
    const operands = [x.nchw, dy.nchw, convolutionWeight(weight, torch)];
    return new TorchOrder(backward(...operands, null, ...geometry(options), [false, true, false])[1], OIHW);
  },
);
