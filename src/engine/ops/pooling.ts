/** @file Maximum and average pooling, as PyTorch counts windows and padding. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel, runKernelMany} from './kernels.js';
import {resample, type Share} from './resample.js';

export interface PoolingOptions {
  /** Height and width of the window. */
  readonly kernel: number;
  readonly stride: number;
  /** Cells added on each side; at most half the window. */
  readonly padding: number;
}

export interface AveragePoolingOptions extends PoolingOptions {
  /** Whether the zeros of the padding count as values (PyTorch's `count_include_pad`); true if not given. */
  readonly countPadding?: boolean;
}

/**
 * The largest value in every window; the padding holds none. Of equal values the first gets the gradient.
 * @param x [B, H, W, C]
 * @returns [B, H', W', C] with H' = floor((H + 2·padding − kernel) / stride) + 1
 * @throws Error if no window fits, or if the padding exceeds half the window
 */
export function maxPool(x: tf.Tensor4D, options: PoolingOptions): tf.Tensor4D {
  checkWindow('maxPool', x, options);
  const {kernel, stride, padding} = options;
  if (!hasKernel(KERNELS.maxPool)) return tf.maxPool(x, kernel, stride, padding, 'floor');
  const attributes = {...options, inputShape: x.shape};
  const [y, positions] = runKernelMany(KERNELS.maxPool, {x}, attributes);
  positions.dispose();
  return y as tf.Tensor4D;
}

/**
 * The mean of every window. Shapes and errors as in `maxPool`.
 */
export function averagePool(x: tf.Tensor4D, options: AveragePoolingOptions): tf.Tensor4D {
  checkWindow('averagePool', x, options);
  const {kernel, stride, padding, countPadding = true} = options;
  if (hasKernel(KERNELS.averagePool)) {
    const attributes = {kernel, stride, padding, countPadding, inputShape: x.shape};
    return runKernel(KERNELS.averagePool, {x}, attributes);
  }
  // Not avgPool's own padding: its gradient in TensorFlow.js divides by the whole window everywhere.
  const mean = (values: tf.Tensor4D) => {
    const pad: [number, number] = [padding, padding];
    return tf.avgPool<tf.Tensor4D>(tf.pad4d(values, [[0, 0], pad, pad, [0, 0]]), kernel, stride, 'valid');
  };
  if (countPadding || padding === 0) return mean(x);
  return tf.div(mean(x), mean(tf.ones([1, x.shape[1], x.shape[2], 1])));
}

/**
 * The mean of every cell of a grid over x: cell i of h covers rows ⌊i·H/h⌋ to ⌈(i + 1)·H/h⌉, so that cells may overlap.
 * @param x [B, H, W, C]
 * @param size [h, w]; [1, 1] for global pooling
 * @returns [B, h, w, C]
 * @throws Error if a size is not a positive whole number
 */
export function adaptiveAveragePool(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  if (!size.every((cells) => Number.isInteger(cells) && cells > 0))
    throw new Error(`adaptiveAveragePool: cannot pool input [${x.shape}] to [${size}]`);
  if (hasKernel(KERNELS.adaptiveAveragePool))
    return runKernel(KERNELS.adaptiveAveragePool, {x}, {size, inputShape: x.shape});
  return resample(x, size, (inputs, outputs) => (output) => cell(output, inputs, outputs));
}

function cell(output: number, inputs: number, outputs: number): Share[] {
  const start = Math.floor((output * inputs) / outputs);
  const count = Math.ceil(((output + 1) * inputs) / outputs) - start;
  return Array.from({length: count}, (_, i) => [start + i, 1 / count]);
}

function checkWindow(name: string, x: tf.Tensor4D, {kernel, stride, padding}: PoolingOptions): void {
  const smallest = Math.min(x.shape[1], x.shape[2]) + 2 * padding;
  if (smallest < kernel || 2 * padding > kernel) {
    throw new Error(
      `${name}: input [${x.shape}] does not fit kernel ${kernel}, stride ${stride}, padding ${padding}`,
    );
  }
}

tf.registerGradient({
  kernelName: KERNELS.maxPool,
  outputsToSave: [false, true],
  gradFunc: (dys, [positions], attributes) => ({
    x: () => runKernel(KERNELS.maxPoolGradient, {dy: (dys as tf.Tensor[])[0], positions}, attributes),
  }),
});

for (const [kernelName, gradient] of [
  [KERNELS.averagePool, KERNELS.averagePoolGradient],
  [KERNELS.adaptiveAveragePool, KERNELS.adaptiveAveragePoolGradient],
] as const) {
  tf.registerGradient({
    kernelName,
    gradFunc: (dy, _saved, attributes) => ({
      x: () => runKernel(gradient, {dy: dy as tf.Tensor}, attributes),
    }),
  });
}
