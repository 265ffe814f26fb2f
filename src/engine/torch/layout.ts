/** @file The orders of axes that libtorch wants where TensorFlow.js has others. Both are views of the same memory. */
import type {Handle} from './native.js';

/** Two permutations, each the other's inverse. */
export interface Layout {
  readonly toTorch: readonly number[];
  readonly fromTorch: readonly number[];
}

/** Of activations, which are NHWC in TensorFlow.js. In memory they stay so: libtorch calls it channels_last. */
export const NCHW: Layout = {toTorch: [0, 3, 1, 2], fromTorch: [0, 2, 3, 1]};

/** Of a convolution's weights, which are HWIO in TensorFlow.js. */
export const OIHW: Layout = {toTorch: [3, 2, 0, 1], fromTorch: [2, 3, 1, 0]};

/** A kernel's result in libtorch's order of axes. */
export class TorchOrder {
  constructor(
    readonly handle: Handle,
    readonly layout: Layout,
  ) {}
}

/** A kernel's result as NCHW. */
export function nchw(handle: Handle): TorchOrder {
  return new TorchOrder(handle, NCHW);
}
