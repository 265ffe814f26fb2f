/** @file What attention is made of, over the last axis: layer normalisation and softmax with libtorch's own backward. */
import {KERNELS} from '../../ops/kernels.js';
import {operator, operatorMany} from '../native.js';
import {register, scalarType} from './register.js';

const nativeLayerNorm = operatorMany('native_layer_norm');
const nativeLayerNormBackward = operatorMany('native_layer_norm_backward');

register<{epsilon: number}>(KERNELS.layerNorm, ({x, scale, offset}, {epsilon}) =>
  nativeLayerNorm(x.handle, scale.shape, scale.handle, offset.handle, epsilon),
);

register(KERNELS.layerNormGradient, ({dy, x, scale, mean, inverseDeviation}) =>
  nativeLayerNormBackward(
    dy.handle,
    x.handle,
    scale.shape,
    mean.handle,
    inverseDeviation.handle,
    scale.handle,
    // The offset's values do not matter: it counts as an argument of scale's shape.
    scale.handle,
    [true, true, true],
  ),
);

const FUSED = [
  [KERNELS.softmax, KERNELS.softmaxGradient, '_softmax'],
  [KERNELS.logSoftmax, KERNELS.logSoftmaxGradient, '_log_softmax'],
] as const;

for (const [kernel, gradient, name] of FUSED) {
  const forward = operator(name);
  const backward = operator(`${name}_backward_data`);
  register(kernel, ({x}) => forward(x.handle, -1, false));
  register(gradient, ({dy, y}) => backward(dy.handle, y.handle, -1, scalarType('float32')));
}
