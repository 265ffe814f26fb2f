/** @file A state dict on the host: named arrays as files hold them, in PyTorch's names and layouts. */

/** Element types by their safetensors names; F16 and BF16 are held as their 16-bit patterns. */
export interface ElementArrays {
  F64: Float64Array;
  F32: Float32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  I64: BigInt64Array;
  I32: Int32Array;
  I16: Int16Array;
  I8: Int8Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

export type ElementType = keyof ElementArrays;

/** A dense row-major array; `data.length` is the product of `shape`. */
export interface HostTensor {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly data: ElementArrays[ElementType];
}

/** Parameters and buffers by PyTorch name (`stage2.0.branches.0.0.conv1.weight`), convolutions as OIHW. */
export type StateDict = Map<string, HostTensor>;
