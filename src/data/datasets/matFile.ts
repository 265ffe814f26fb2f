/** @file Arrays of numbers out of a MATLAB file of version 5 ("MAT-File Format", MathWorks): as MPII's ground truth has them. */
import {readFile} from 'node:fs/promises';
import {inflateSync} from 'node:zlib';
import {UserError} from '../../errors.js';

export interface MatArray {
  readonly shape: readonly number[];
  /** Column-major: the first index runs fastest. */
  readonly values: readonly number[];
}

const HEADER_BYTES = 128;
const COMPRESSED = 15;
const MATRIX = 14;
/** Far beyond any annotation; a file that unfolds into more is a trap. */
const LARGEST_ARRAY = 2 ** 28;

/** How the elements of a type are read, and their bytes. */
const ELEMENTS: Readonly<
  Record<number, readonly [bytes: number, read: (bytes: Buffer, at: number) => number]>
> = {
  1: [1, (bytes, at) => bytes.readInt8(at)],
  2: [1, (bytes, at) => bytes.readUInt8(at)],
  3: [2, (bytes, at) => bytes.readInt16LE(at)],
  4: [2, (bytes, at) => bytes.readUInt16LE(at)],
  5: [4, (bytes, at) => bytes.readInt32LE(at)],
  6: [4, (bytes, at) => bytes.readUInt32LE(at)],
  7: [4, (bytes, at) => bytes.readFloatLE(at)],
  9: [8, (bytes, at) => bytes.readDoubleLE(at)],
};

interface Element {
  readonly type: number;
  readonly data: Buffer;
  readonly next: number;
}

/**
 * The numeric arrays of a file by their names; cells and structures are left out.
 * @throws UserError 'data' if it cannot be read or is no such file
 */
export async function readMatFile(file: string): Promise<Map<string, MatArray>> {
  try {
    return arraysOf(await readFile(file));
  } catch (error) {
    const reason = (error as Error).message;
    throw new UserError(
      'data',
      `${file}: cannot be read as a MATLAB file of version 5 (${reason}). Download it again.`,
      {
        cause: error,
      },
    );
  }
}

function arraysOf(bytes: Buffer): Map<string, MatArray> {
  if (bytes.toString('latin1', 0, 6) !== 'MATLAB' || bytes.toString('latin1', 126, 128) !== 'IM') {
    throw new Error('it does not begin as one');
  }
  const arrays = new Map<string, MatArray>();
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const element = elementAt(bytes, at, 1);
    at = element.next;
    const matrix =
      element.type === COMPRESSED
        ? elementAt(inflateSync(element.data, {maxOutputLength: LARGEST_ARRAY}), 0)
        : element;
    if (matrix.type === MATRIX) addArray(arrays, matrix.data);
  }
  return arrays;
}

function addArray(arrays: Map<string, MatArray>, data: Buffer): void {
  const flags = elementAt(data, 0);
  const shape = elementAt(data, flags.next);
  const name = elementAt(data, shape.next);
  if (name.next >= data.length) return;
  const values = elementAt(data, name.next);
  if (ELEMENTS[values.type] && ELEMENTS[shape.type]) {
    arrays.set(name.data.toString('latin1'), {shape: numbersOf(shape), values: numbersOf(values)});
  }
}

/** One element: its type and length, in eight bytes or (the small ones, data included) together in eight. */
function elementAt(bytes: Buffer, at: number, alignment = 8): Element {
  const word = bytes.readUInt32LE(at);
  const isSmall = word >>> 16 !== 0;
  const type = isSmall ? word & 0xffff : word;
  const length = isSmall ? word >>> 16 : bytes.readUInt32LE(at + 4);
  const start = at + (isSmall ? 4 : 8);
  if (start + length > bytes.length) throw new Error('it is cut short');
  const next = isSmall ? at + 8 : start + Math.ceil(length / alignment) * alignment;
  return {type, data: bytes.subarray(start, start + length), next};
}

function numbersOf({type, data}: Element): number[] {
  const [size, read] = ELEMENTS[type];
  return Array.from({length: Math.floor(data.length / size)}, (_, i) => read(data, i * size));
}
