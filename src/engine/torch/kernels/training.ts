/** @file Fused training kernels: batch normalisation, ReLU, enlargement and Adam, each with libtorch's own backward. */
import type * as tf from '@tensorflow/tfjs';
import type {AdamStep} from '../../ops/adam.js';
import {KERNELS} from '../../ops/kernels.js';
import type {TorchBackend} from '../backend.js';
import {nchw} from '../layout.js';
import {type Handle, operator, operatorMany, withinKernel} from '../native.js';
import {elementwise, isFloat, type Operands, register} from './register.js';

const nativeBatchNorm = operatorMany('native_batch_norm');
const nativeBatchNormBackward = operatorMany('native_batch_norm_backward');
const addInto = operator('add_.Tensor');
const reluForward = operator('relu');
const reluInto = operator('relu_');
const thresholdBackward = operator('threshold_backward');
const upsample = operator('upsample_nearest2d');
const upsampleBackward = operator('upsample_nearest2d_backward');

interface BatchNormAttributes {
  readonly runningMean: tf.Variable;
  readonly runningVariance: tf.Variable;
  readonly momentum: number;
  readonly epsilon: number;
}

/** @returns the normalised values as NCHW, mean and inverse deviation */
function normalize(
  {x, scale, offset}: Operands,
  attributes: BatchNormAttributes,
  torch: TorchBackend,
): Handle[] {
  const running = [torch.handle(attributes.runningMean), torch.handle(attributes.runningVariance)];
  const {momentum, epsilon} = attributes;
  return nativeBatchNorm(x.nchw, scale.handle, offset.handle, ...running, true, momentum, epsilon);
}

register<BatchNormAttributes>(KERNELS.batchNorm, (operands, attributes, torch) => {
  const [y, ...statistics] = normalize(operands, attributes, torch);
  return [nchw(y), ...statistics];
});

register<BatchNormAttributes>(KERNELS.batchNormRelu, (operands, attributes, torch) => {
  const [y, ...statistics] = normalize(operands, attributes, torch);
  if (operands.residual) addInto(y, operands.residual.nchw);
  reluInto(y);
  return [nchw(y), ...statistics];
});

register<BatchNormAttributes>(KERNELS.batchNormGradient, (operands, {epsilon}) => {
  const {dy, x, scale, mean, inverseDeviation} = operands;
  const [dx, dScale, dOffset] = nativeBatchNormBackward(
    dy.nchw,
    x.nchw,
    scale.handle,
    null,
    null,
    mean.handle,
    inverseDeviation.handle,
    true,
    epsilon,
    [true, true, true],
  );
  return [nchw(dx), dScale, dOffset];
});

register<{varianceEpsilon: number}>(
  'FusedBatchNorm',
  ({x, mean, variance, offset, scale}, {varianceEpsilon}) => {
    const parameters = [scale?.handle ?? null, offset?.handle ?? null, mean.handle, variance.handle];
    return nchw(nativeBatchNorm(x.nchw, ...parameters, false, 0, varianceEpsilon)[0]);
  },
  // Statistics of every element, and not of channels, are rare.
  ([x, ...perChannel]) => isFloat([x, ...perChannel]) && perChannel.every(({shape}) => shape.length === 1),
);

register(KERNELS.relu, ({x}) => elementwise(reluForward, x));
register(KERNELS.reluGradient, ({dy, y}) =>
  elementwise((gradient, output) => thresholdBackward(gradient, output, 0), dy, y),
);

register<{factor: number}>(KERNELS.upsample, ({x}, {factor}) =>
  nchw(upsample(x.nchw, [x.shape[1] * factor, x.shape[2] * factor])),
);

register<{factor: number}>(KERNELS.upsampleGradient, ({dy, x}) => {
  const [batch, height, width, channels] = x.shape;
  const sizes = [
    [dy.shape[1], dy.shape[2]],
    [batch, channels, height, width],
  ];
  return nchw(upsampleBackward(dy.nchw, ...sizes));
});

const foreach = {
  scale: operatorMany('_foreach_mul_.Scalar'),
  addScaled: operatorMany('_foreach_add_.List'),
  addProduct: operatorMany('_foreach_addcmul_.Scalar'),
  addQuotient: operatorMany('_foreach_addcdiv_.Scalar'),
  root: operatorMany('_foreach_sqrt'),
  add: operatorMany('_foreach_add_.Scalar'),
};

const emptyLike = operator('empty_like');
const copyInto = operator('copy_');
const sharesLayout = new WeakSet<tf.DataId>();

/** Brings a moment into the memory layout of its parameter, so that a step runs over both in storage order. */
function layOutLike(moment: tf.Variable, parameter: tf.Variable, torch: TorchBackend): void {
  if (sharesLayout.has(moment.dataId)) return;
  torch.replaceLayout(moment, (values) => {
    const laidOut = emptyLike(torch.handle(parameter));
    copyInto(laidOut, values);
    return laidOut;
  });
  sharesLayout.add(moment.dataId);
}

/** Adam (Kingma & Ba 2015, Alg. 1) over all parameters at once, in place. */
function adam(step: AdamStep, torch: TorchBackend): void {
  step.parameters.forEach((parameter, i) => {
    layOutLike(step.firstMoments[i], parameter, torch);
    layOutLike(step.secondMoments[i], parameter, torch);
  });
  const [parameters, gradients, first, second] = [
    step.parameters,
    step.gradients,
    step.firstMoments,
    step.secondMoments,
  ].map((tensors) => tensors.map((tensor) => torch.handle(tensor)));
  const [beta1, beta2] = step.betas;
  foreach.scale(first, beta1);
  foreach.addScaled(first, gradients, 1 - beta1);
  foreach.scale(second, beta2);
  foreach.addProduct(second, gradients, gradients, 1 - beta2);
  const denominator = foreach.root(second);
  // √v̂ + ε multiplied by √(1 − β₂ᵗ), and the step with it: one pass less over the denominators.
  const correction = Math.sqrt(1 - beta2 ** step.step);
  foreach.add(denominator, step.epsilon * correction);
  const rate = (step.learningRate * correction) / (1 - beta1 ** step.step);
  foreach.addQuotient(parameters, first, denominator, -rate);
}

register<AdamStep>(KERNELS.adam, (_inputs, step, torch) => {
  withinKernel(() => {
    adam(step, torch);
    return [];
  });
  return [];
});
