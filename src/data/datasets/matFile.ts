/**
 * @file Reads MATLAB's MAT files, version 5 (MathWorks, "MAT-File Format"), as far as MPII's evaluation needs them:
 * real numeric arrays, and cells of text. Data only: nothing in such a file is executed.
 */
import {readFileSync} from 'node:fs';
import {inflateSync} from 'node:zlib';
import {UserError} from '../../errors.js';

/** A numeric array; the first index runs fastest. */
export interface MatArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export type MatVariable = MatArray | readonly string[];

const HEADER_BYTES = 128;
/** An array of numbers decompresses at most so far: what claims more is not a file of measurements. */
const MOST_BYTES = 2 ** 28;

const COMPRESSED = 15;
const MATRIX = 14;
const CELL_CLASS = 1;
const CHAR_CLASS = 4;
/** Bytes of one number, and how to read it, by the type of its data element. */
const NUMBERS: Readonly<
  Record<number, readonly [bytes: number, read: (data: Buffer, at: number) => number]>
> = {
  1: [1, (data, at) => data.readInt8(at)],
  2: [1, (data, at) => data.readUInt8(at)],
  3: [2, (data, at) => data.readInt16LE(at)],
  4: [2, (data, at) => data.readUInt16LE(at)],
  5: [4, (data, at) => data.readInt32LE(at)],
  6: [4, (data, at) => data.readUInt32LE(at)],
  7: [4, (data, at) => data.readFloatLE(at)],
  9: [8, (data, at) => data.readDoubleLE(at)],
  // UTF-8 and UTF-16, of which names use the part that is ASCII.
  16: [1, (data, at) => data.readUInt8(at)],
  17: [2, (data, at) => data.readUInt16LE(at)],
};

interface Element {
  readonly type: number;
  readonly data: Buffer;
  /** Where the next element begins. */
  readonly end: number;
}

/** @throws UserError 'data' if the file cannot be read or is not such a file */
export function readMatFile(file: string): Map<string, MatVariable> {
  try {
    const content = readFileSync(file);
    if (content.toString('latin1', 0, 10) !== 'MATLAB 5.0') throw new Error('no MATLAB 5.0 header');
    if (content.toString('latin1', 126, 128) !== 'IM') throw new Error('its numbers are big-endian');
    return new Map(
      elements(content.subarray(HEADER_BYTES)).flatMap((element) => {
        const whole = element.type === COMPRESSED ? elementAt(inflate(element.data), 0) : element;
        return whole.type === MATRIX ? variable(whole.data) : [];
      }),
    );
  } catch (error) {
    const message = `${file}: cannot be read as a MAT file of version 5 (${(error as Error).message}). Download it again, or save it with "-v7".`;
    throw new UserError('data', message, {cause: error});
  }
}

function inflate(data: Buffer): Buffer {
  return inflateSync(data, {maxOutputLength: MOST_BYTES});
}

/** Small elements (up to four bytes) keep size and data in one word. */
function elementAt(content: Buffer, start: number): Element {
  const word = content.readUInt32LE(start);
  const isSmall = word >>> 16 !== 0;
  const type = isSmall ? word & 0xffff : word;
  const size = isSmall ? word >>> 16 : content.readUInt32LE(start + 4);
  const first = start + (isSmall ? 4 : 8);
  if (first + size > content.length) throw new Error('it ends within a variable');
  const padded = type === COMPRESSED ? size : Math.ceil(size / 8) * 8;
  return {
    type,
    data: content.subarray(first, first + size),
    end: isSmall ? start + 8 : first + padded,
  };
}

function elements(content: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at + 8 <= content.length; at = found.at(-1)!.end) found.push(elementAt(content, at));
  return found;
}

/** Flags, dimensions, name, then the numbers or the cells; nothing for other kinds of variables. */
function variable(matrix: Buffer): [string, MatVariable][] {
  const [flags, dimensions, name, ...rest] = elements(matrix);
  const arrayClass = flags.data.readUInt8(0);
  const title = name.data.toString('latin1');
  const shape = Array.from(numbers(dimensions));
  if (arrayClass === CELL_CLASS) return [[title, rest.map(text)]];
  if (arrayClass <= CHAR_CLASS || rest.length !== 1) return [];
  const values = numbers(rest[0]);
  if (values.length !== shape.reduce((product, size) => product * size, 1))
    throw new Error(`"${title}" has ${values.length} values for the shape ${shape.join(' x ')}`);
  return [[title, {shape, values}]];
}

function text({data}: Element): string {
  const [, , , characters] = elements(data);
  return characters ? String.fromCharCode(...numbers(characters)) : '';
}

function numbers({type, data}: Element): Float64Array {
  const reader = NUMBERS[type];
  if (!reader) throw new Error(`data of type ${type} are not supported`);
  const [bytes, read] = reader;
  return Float64Array.from({length: Math.floor(data.length / bytes)}, (_, i) => read(data, i * bytes));
}
