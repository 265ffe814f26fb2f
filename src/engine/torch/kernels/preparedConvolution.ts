/** @file Convolutions of a network that is only evaluated, with their weights in oneDNN's own layout; on the CPU. */
import type {Activation} from '../../ops/batchNorm.js';
import type {ConvolutionOptions} from '../../ops/convolution.js';
import {KERNELS} from '../../ops/kernels.js';
import {currentPrecision} from '../../precision.js';
import {nchw, OIHW} from '../layout.js';
import {type Handle, operator} from '../native.js';
import {geometry} from './convolution.js';
import {isStored, register} from './register.js';
import {ACTIVATIONS} from './training.js';

const prepare = operator('posecraft::prepare_convolution');
const run = operator('posecraft::prepared_convolution');

interface PrepareAttributes extends ConvolutionOptions {
  readonly epsilon: number;
  readonly relu: boolean;
  /** [B, H, W, C] */
  readonly inputShape: readonly number[];
}

register<PrepareAttributes>(KERNELS.prepareConvolution, (operands, attributes) => {
  const {weight, bias, scale, offset, mean, variance} = operands;
  const {
    epsilon,
    relu,
    inputShape: [batch, height, width, inputs],
  } = attributes;
  const channels = [scale, offset, mean, variance].map(({handle}) => handle);
  const [stride, padding, dilation, groups] = geometry(attributes);
  const size = [batch, inputs, height, width];
  const given = [weight.in(OIHW), bias?.handle ?? null, ...channels, epsilon];
  const isHalf = currentPrecision() === 'bf16';
  const prepared: Handle | null = prepare(...given, stride, padding, dilation, groups, size, relu, isHalf);
  return prepared === null ? [] : [prepared];
});

register<{activation: Activation}>(
  KERNELS.preparedConvolution,
  ({x, weights, residual}, {activation}) =>
    nchw(run(x.storedNchw, weights.handle, residual?.storedNchw ?? null, ACTIVATIONS[activation])),
  isStored,
);
