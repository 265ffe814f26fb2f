/** @file Fused training kernels: batch normalisation, ReLU and sums of maps. */
import type * as tf from '@tensorflow/tfjs';
import type {Activation} from '../../ops/batchNorm.js';
import {KERNELS} from '../../ops/kernels.js';
import {nchw} from '../layout.js';
import {operator, operatorMany} from '../native.js';
import {elementwise, isFloat, register} from './register.js';

const batchNorm = operatorMany('posecraft::batch_norm');
const batchNormBackward = operatorMany('posecraft::batch_norm_backward');
const nativeBatchNorm = operatorMany('native_batch_norm');
const sumRelu = operator('posecraft::sum_relu');
const accumulate = operator('posecraft::accumulate');
const reluForward = operator('relu');
const thresholdBackward = operator('threshold_backward');

/** The addon's numbers of what follows a normalisation. */
export const ACTIVATIONS: Record<Activation, number> = {none: 0, relu: 1, silu: 2};

interface BatchNormAttributes {
  readonly runningMean: tf.Variable;
  readonly runningVariance: tf.Variable;
  readonly momentum: number;
  readonly epsilon: number;
  readonly activation: Activation;
  readonly hasResidual: boolean;
}

for (const kernel of [KERNELS.batchNorm, KERNELS.batchNormRelu, KERNELS.batchNormSilu]) {
  register<BatchNormAttributes>(kernel, ({x, scale, offset, residual}, attributes, torch) => {
    const {runningMean, runningVariance, momentum, epsilon, activation} = attributes;
    const running = [torch.handle(runningMean), torch.handle(runningVariance)];
    const parameters = [scale.handle, offset.handle, ...running, momentum, epsilon];
    const [y, mean, inverseDeviation] = batchNorm(
      x.storedNchw,
      residual?.storedNchw ?? null,
      ...parameters,
      ACTIVATIONS[activation],
    );
    return [nchw(y), mean, inverseDeviation];
  });
}

register<BatchNormAttributes>(
  KERNELS.batchNormGradient,
  ({dy, x, y, ...channels}, {activation, hasResidual}) => {
    const {scale, offset, mean, inverseDeviation} = channels;
    const statistics = [scale, offset, mean, inverseDeviation].map(({handle}) => handle);
    const [dx, dResidual, dScale, dOffset] = batchNormBackward(
      dy.storedNchw,
      x.storedNchw,
      y?.storedNchw ?? null,
      ...statistics,
      hasResidual,
      ACTIVATIONS[activation],
    );
    return [nchw(dx), dScale, dOffset, ...(hasResidual ? [nchw(dResidual)] : [])];
  },
);

register<{varianceEpsilon: number}>(
  'FusedBatchNorm',
  ({x, mean, variance, offset, scale}, {varianceEpsilon}) => {
    const parameters = [scale?.handle ?? null, offset?.handle ?? null, mean.handle, variance.handle];
    return nchw(nativeBatchNorm(x.nchw, ...parameters, false, 0, varianceEpsilon)[0]);
  },
  // libtorch checks neither: an empty input ends the process, and short statistics are read beyond their end.
  ([x, ...perChannel]) =>
    isFloat([x, ...perChannel]) &&
    !x.shape.includes(0) &&
    perChannel.every(({shape}) => shape.length === 1 && shape[0] === x.shape.at(-1)),
);

register(KERNELS.relu, ({x}) => elementwise(reluForward, x));
register(KERNELS.reluGradient, ({dy, y}) =>
  elementwise((gradient, output) => thresholdBackward(gradient, output, 0), dy, y),
);

register(KERNELS.sumRelu, (terms) => nchw(sumRelu(Object.values(terms).map((term) => term.storedNchw))));

register(KERNELS.accumulate, ({a, b}) => elementwise(accumulate, a, b));
