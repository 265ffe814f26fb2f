/** @file Smooth and piecewise activations whose gradient is one pass over the saved input. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';

/** Each as plain TensorFlow.js; the names are also those in the torch backend's table. */
const PORTABLE = {
  silu: (x: tf.Tensor) => tf.mul(x, tf.sigmoid(x)),
  gelu: (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  geluTanh: (x: tf.Tensor) => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
  },
  hardSigmoid: (x: tf.Tensor) => tf.div(tf.relu6(tf.add(x, 3)), 6),
  hardSwish: (x: tf.Tensor) => tf.mul(x, tf.div(tf.relu6(tf.add(x, 3)), 6)),
} as const;

export type Activation = keyof typeof PORTABLE;

function activate<T extends tf.Tensor>(activation: Activation, x: T): T {
  if (hasKernel(KERNELS.activation)) return runKernel(KERNELS.activation, {x}, {activation});
  return PORTABLE[activation](x) as T;
}

/** x·σ(x), of any shape (Hendrycks & Gimpel 2016; "swish" in Ramachandran et al. 2017). */
export function silu<T extends tf.Tensor>(x: T): T {
  return activate('silu', x);
}

/**
 * x·Φ(x) with the normal distribution's Φ, of any shape (Hendrycks & Gimpel 2016).
 * @param approximate 'tanh' for ½x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
 */
export function gelu<T extends tf.Tensor>(x: T, approximate: 'none' | 'tanh' = 'none'): T {
  return activate(approximate === 'tanh' ? 'geluTanh' : 'gelu', x);
}

/** min(max(x + 3, 0), 6) / 6, of any shape (Howard et al. 2019, §5.2). */
export function hardSigmoid<T extends tf.Tensor>(x: T): T {
  return activate('hardSigmoid', x);
}

/** x·hardSigmoid(x), of any shape (Howard et al. 2019, §5.2). */
export function hardSwish<T extends tf.Tensor>(x: T): T {
  return activate('hardSwish', x);
}

tf.registerGradient({
  kernelName: KERNELS.activation,
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attributes) => ({
    x: () => runKernel(KERNELS.activationGradient, {dy: dy as tf.Tensor, x}, attributes),
  }),
});
