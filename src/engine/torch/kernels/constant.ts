/** @file Numbers that a kernel works out on the host and libtorch computes with. */
import {type Handle, native, operator, SCALAR_TYPES} from '../native.js';

const alias = operator('alias');

/** A temporary tensor of the kernel in progress. */
export function constant(values: Float32Array | Int32Array, shape: readonly number[]): Handle {
  const type = values instanceof Float32Array ? SCALAR_TYPES.float32 : SCALAR_TYPES.int32;
  const uploaded = native().upload(values, shape, type);
  try {
    return alias(uploaded);
  } finally {
    native().release(uploaded);
  }
}
