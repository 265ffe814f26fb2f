/** @file The element types of host tensors: their sizes, their arrays, and the bytes under them (little-endian). */
import {FormatError} from './formatError.js';
import type {ElementArrays, ElementType, HostTensor} from './stateDict.js';

const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export const ELEMENT_TYPES = Object.keys(ARRAYS) as readonly ElementType[];

export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(ARRAYS, name);
}

/** Bytes of one element. */
export function elementBytes(dtype: ElementType): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/** The array of `count` elements over `buffer`, from element `offset` on; nothing is copied. */
export function arrayOver(
  dtype: ElementType,
  buffer: ArrayBuffer,
  offset: number,
  count: number,
): ElementArrays[ElementType] {
  return new ARRAYS[dtype](buffer, offset * elementBytes(dtype), count);
}

/** The bytes under a tensor's data; nothing is copied. */
export function bytesOf({data}: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * The product of a shape that comes from a file.
 * @throws FormatError if it, or a part of it, is beyond 2^53
 */
export function elementCount(shape: readonly number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  // Taken over the non-zero sizes, so that a zero cannot hide an overflow.
  const magnitude = shape.reduce((product, size) => product * Math.max(size, 1), 1);
  if (!Number.isSafeInteger(magnitude)) throw new FormatError(`the shape [${shape}] is too large`);
  return count;
}

/** The place of the first NaN or infinity, or -1. Integers are always finite. */
export function firstNonFinite({dtype, data}: HostTensor): number {
  if (data instanceof Float32Array || data instanceof Float64Array) {
    // Ten times as fast as findIndex with Number.isFinite, and this runs over every weight of a checkpoint.
    for (let i = 0; i < data.length; i++) if (data[i] - data[i] !== 0) return i;
    return -1;
  }
  if (dtype !== 'F16' && dtype !== 'BF16') return -1;
  const exponent = dtype === 'F16' ? 0x7c00 : 0x7f80;
  return (data as Uint16Array).findIndex((bits) => (bits & exponent) === exponent);
}
