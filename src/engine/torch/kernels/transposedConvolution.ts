/**
 * @file Transposed convolution as what it is, the gradient of a convolution by its input, and its own gradients by that
 * convolution. libtorch's operator with `transposed` set takes about 1.8 times as long on a CPU, and gives its result
 * in another memory layout than the convolutions around it have.
 */
import {KERNELS} from '../../ops/kernels.js';
import {type TransposedConvolutionOptions, transposedSize} from '../../ops/transposedConvolution.js';
import {NCHW, nchw, OIHW, TorchOrder} from '../layout.js';
import {operator} from '../native.js';
import {
  convolution,
  convolutionWeight,
  type Geometry,
  geometry,
  inputGradient,
  weightGradient,
} from './convolution.js';
import {register} from './register.js';

const permute = operator('permute');
const newEmpty = operator('new_empty');
const addInto = operator('add_.Tensor');

/** Of the convolution of which this is the gradient. */
function steps(options: TransposedConvolutionOptions): Geometry {
  return geometry({...options, dilation: 1});
}

register<TransposedConvolutionOptions>(KERNELS.transposedConvolution, ({x, weight, bias}, options, torch) => {
  const [batch, height, width] = x.shape;
  const [kernelHeight, kernelWidth, outputs] = weight.shape;
  const rows = transposedSize(height, kernelHeight, options);
  const columns = transposedSize(width, kernelWidth, options);
  // Only its shape and its layout are asked.
  const y = newEmpty(x.handle, [batch, rows, columns, outputs * options.groups]);
  const operands = [x.nchw, permute(y, NCHW.toTorch), convolutionWeight(weight, torch)];
  const result = inputGradient(...operands, ...steps(options));
  if (bias) addInto(permute(result, NCHW.fromTorch), bias.handle);
  return nchw(result);
});

register<TransposedConvolutionOptions>(
  KERNELS.transposedConvolutionInputGradient,
  ({dy, weight}, options, torch) =>
    nchw(convolution(dy.nchw, convolutionWeight(weight, torch), null, ...steps(options))),
);

register<TransposedConvolutionOptions>(
  KERNELS.transposedConvolutionWeightGradient,
  ({dy, x, weight}, options, torch) => {
    const operands = [x.nchw, dy.nchw, convolutionWeight(weight, torch)];
    return new TorchOrder(weightGradient(...operands, ...steps(options)), OIHW);
  },
);
