/** @file Arguments for calls of the addon: those that fit, and those that fit nowhere. */
import fc from 'fast-check';

/** Of every type of JavaScript, and numbers that no conversion takes as they are. */
export function weird() {
  return fc.constantFrom(
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0.5, -1, 1e300, 2 ** 53, 2 ** 60],
    ...[-(2 ** 31), 2 ** 32 + 1, 'text', '', 'a\0b', '\u{1f600}', true, null, undefined],
    ...[Symbol('symbol'), 7n, 2n ** 70n, {}, {length: 3}, () => 1, new Date(0), /x/],
    ...[
      [],
      [null],
      [[1]],
      [Number.NaN],
      ['1', '2'],
      [2 ** 60],
      [Symbol('element')],
      new Array(3),
      new Array(2 ** 32 - 1),
    ],
    ...[new Uint8Array(4), new Float64Array(0), new DataView(new ArrayBuffer(8)), new ArrayBuffer(4)],
  );
}

/** Small ones, and such that products of them leave 64 bits. None that could be allocated and take long to fill. */
const size = fc.constantFrom(-(2 ** 40), -2, -1, 0, 1, 2, 3, 4, 2 ** 33, 2 ** 40, 2 ** 52);
const name = (...names) => fc.constantFrom(...names.map((each) => `$${each}`));

export const tensor = name(
  ...['scalar', 'vector', 'matrix', 'image', 'kernel', 'gradient', 'view', 'volume', 'indices', 'outside'],
  ...['integers', 'bools', 'bytes', 'doubles', 'halves', 'empty', 'emptyRows', 'emptyImage', 'emptyHuge'],
  ...['released', 'invented'],
);
/** One of these tensors. */
export const one = name;
export const tensors = fc.array(tensor, {maxLength: 4});
export const sizes = fc.array(size, {maxLength: 5});
export const pair = fc.oneof({weight: 4, arbitrary: fc.tuple(size, size)}, sizes);
export const integer = size;
export const axis = fc.integer({min: -5, max: 5});
export const number = fc.oneof(size, fc.double());
export const boolean = fc.boolean();
export const flags = fc.array(fc.boolean(), {minLength: 2, maxLength: 4});
/** libtorch's numbers of element types, and numbers that are none. */
export const type = fc.constantFrom(0, 3, 4, 5, 6, 7, 9, 11, 12, 13, 15, 22, 45, 127, -1, 262, 1000, 2 ** 40);
export const nothing = fc.constant(null);
