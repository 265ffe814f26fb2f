import {readFileSync, truncateSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {arrayOver, ELEMENT_TYPES, elementBytes} from '../../src/checkpoint/elements.js';
import {FormatError} from '../../src/checkpoint/formatError.js';
import {
  encodeSafetensors,
  readSafetensors,
  safetensorsSize,
  writeSafetensors,
} from '../../src/checkpoint/safetensors.js';
import {parseHeader} from '../../src/checkpoint/safetensorsHeader.js';
import type {HostTensor, StateDict} from '../../src/checkpoint/stateDict.js';
import {stream} from '../../src/random.js';
import {dictOfStep, floats, temporaryFile, temporaryFolder, userErrorOf} from './builders.js';

/** A file of a header and data; the length is the header's unless given. */
function file(
  header: string,
  data: Uint8Array = new Uint8Array(),
  length = BigInt(Buffer.byteLength(header)),
): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(length);
  return Buffer.concat([head, Buffer.from(header), data]);
}

const tensor = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

const anyTensor: fc.Arbitrary<HostTensor> = fc
  .record({dtype: fc.constantFrom(...ELEMENT_TYPES), shape: fc.array(fc.nat(3), {maxLength: 3})})
  .chain(({dtype, shape}) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = count * elementBytes(dtype);
    return fc
      .uint8Array({minLength: bytes, maxLength: bytes})
      .map((raw) => ({dtype, shape, data: arrayOver(dtype, Uint8Array.from(raw).buffer, 0, count)}));
  });
const anyName = fc.string().filter((name) => !['__metadata__', '__proto__'].includes(name));
const rawBytes = ({data}: HostTensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function expectSame(actual: StateDict, expected: StateDict): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, {dtype, shape, data}] of expected) {
    const found = actual.get(name)!;
    expect([found.dtype, found.shape, found.data.constructor]).toEqual([dtype, shape, data.constructor]);
    expect(rawBytes(found).equals(rawBytes({dtype, shape, data}))).toBe(true);
  }
}

describe('safetensors', () => {
  it('gives back every bit, name, order and metadata that was written', async () => {
    const anyMap = <T>(value: fc.Arbitrary<T>) => fc.array(fc.tuple(anyName, value), {maxLength: 6});
    await fc.assert(
      fc.asyncProperty(anyMap(anyTensor), anyMap(fc.string()), async (tensors, metadata) => {
        const path = join(temporaryFolder(), 'a.safetensors');
        const digest = await writeSafetensors(path, new Map(tensors), new Map(metadata));
        const written = await readSafetensors(path);
        expectSame(written.tensors, new Map(tensors));
        expect(written.metadata).toEqual(new Map(metadata));
        expect(digest.bytes).toBe(safetensorsSize(new Map(tensors), new Map(metadata)));
        expect(readFileSync(path).equals(encodeSafetensors(new Map(tensors), new Map(metadata)))).toBe(true);
      }),
      {numRuns: 100},
    );
  });

  it('has the layout that the format documents', () => {
    const bytes = Buffer.from(encodeSafetensors(new Map([['a', floats(1, 2)]])));
    const text = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    expect(bytes.readBigUInt64LE()).toBe(56n);
    expect(bytes.toString('utf8', 8, 64)).toBe(text.padEnd(56));
    expect([bytes.readFloatLE(64), bytes.readFloatLE(68)]).toEqual([1, 2]);
    expect(bytes.length).toBe(72);
  });

  it('reads a header with white space and escapes, written by another program', async () => {
    const header = `{ "__metadata__" : {"by": "\\u0068and"},\n "w\\u0031": ${tensor('U8', '[ 1 , 2]', '[0, 2]')} }  `;
    const {tensors, metadata} = await readSafetensors(temporaryFile('a', file(header, Uint8Array.of(7, 9))));
    expect(tensors).toEqual(new Map([['w1', {dtype: 'U8', shape: [1, 2], data: Uint8Array.of(7, 9)}]]));
    expect(metadata).toEqual(new Map([['by', 'hand']]));
  });

  const u8 = tensor('U8', '[2]', '[0,2]');
  const two = Uint8Array.of(1, 2);
  const four = Uint8Array.of(1, 2, 3, 4);
  it.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'only 0 bytes'],
    ['a file of seven bytes', Buffer.alloc(7), 'only 7 bytes'],
    ['a header of length 0', file('{}', two, 0n), 'header of 0'],
    ['a header longer than the file', file('{}', two, 5n), 'header of 5'],
    ['a header of 2^63 bytes', file('{}', two, 2n ** 63n), 'header of 9223372036854775808'],
    ['a header that does not begin with a brace', file(` {"a":${u8}}`, two), 'no "{"'],
    ['a header that is an array', file('[]'), 'no "{"'],
    ['a header that is cut off', file('{"a":{"dtype":"U8"'), 'expected'],
    ['a string that does not end', file('{"a'), 'does not end'],
    ['a string with a bad escape', file(`{"\\q":${u8}}`, two), 'string is not valid'],
    ['a raw line break in a string', file(`{"\n":${u8}}`, two), 'string is not valid'],
    [
      'a name that is not UTF-8',
      Buffer.from(file(`{"X":${u8}}`, two)).fill(0xff, 10, 11),
      'string is not valid',
    ],
    ['bytes after the closing brace', file(`{"a":${u8}}x`, two), 'more follows'],
    ['a NUL after the closing brace', file(`{"a":${u8}}\0`, two), 'more follows'],
    ['a name that occurs twice', file(`{"a":${u8},"a":${u8}}`, two), 'occurs twice'],
    ['a name that occurs twice by an escape', file(`{"a":${u8},"\\u0061":${u8}}`, two), 'occurs twice'],
    [
      'a key that occurs twice',
      file('{"a":{"dtype":"U8","dtype":"F32","shape":[2],"data_offsets":[0,2]}}'),
      'twice',
    ],
    ['two blocks of metadata', file('{"__metadata__":{},"__metadata__":{}}'), 'twice'],
    [
      'an unknown key',
      file('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1}}', two),
      'unknown key',
    ],
    ['no shape', file('{"a":{"dtype":"U8","data_offsets":[0,2]}}', two), 'needs "shape"'],
    ['three offsets', file(`{"a":${tensor('U8', '[2]', '[0,2,2]')}}`, two), 'two "data_offsets"'],
    ['tensors that overlap', file(`{"a":${u8},"b":${tensor('U8', '[2]', '[1,3]')}}`, four), 'overlaps'],
    ['tensors in the same place', file(`{"a":${u8},"b":${u8}}`, two), 'overlaps'],
    ['a hole between tensors', file(`{"a":${u8},"b":${tensor('U8', '[1]', '[3,4]')}}`, four), 'hole'],
    ['a hole at the beginning', file(`{"a":${tensor('U8', '[2]', '[2,4]')}}`, four), 'hole'],
    ['trailing bytes', file(`{"a":${u8}}`, four), 'has 4 bytes of data where its header describes 2'],
    ['missing data', file(`{"a":${u8}}`, Uint8Array.of(1)), 'has 1 bytes of data'],
    ['a negative offset', file(`{"a":${tensor('U8', '[2]', '[-2,0]')}}`, two), 'non-negative integer'],
    ['a fractional offset', file(`{"a":${tensor('U8', '[2]', '[0,2.0]')}}`, two), 'expected'],
    ['an offset of 1e400', file(`{"a":${tensor('U8', '[2]', '[0,1e400]')}}`, two), 'expected'],
    [
      'an offset beyond 2^53',
      file(`{"a":${tensor('U8', '[2]', '[0,9007199254740993]')}}`, two),
      'below 2^53',
    ],
    [
      'an offset with a leading zero',
      file(`{"a":${tensor('U8', '[2]', '[0,02]')}}`, two),
      'non-negative integer',
    ],
    [
      'an offset that is a string',
      file(`{"a":${tensor('U8', '[2]', '[0,"2"]')}}`, two),
      'non-negative integer',
    ],
    ['offsets in reverse', file(`{"a":${tensor('U8', '[2]', '[2,0]')}}`, two), 'takes 2 bytes'],
    [
      'a shape that does not fill its bytes',
      file(`{"a":${tensor('F32', '[2]', '[0,2]')}}`, two),
      'takes 8 bytes',
    ],
    ['a negative size', file(`{"a":${tensor('U8', '[-1,-2]', '[0,2]')}}`, two), 'non-negative integer'],
    [
      'a shape that overflows',
      file(`{"a":${tensor('U8', '[4294967296,4294967296]', '[0,2]')}}`, two),
      'too large',
    ],
    [
      'an overflow behind a zero',
      file(`{"a":${tensor('U8', '[0,4294967296,4294967296]', '[0,0]')}}`),
      'too large',
    ],
    ['an unknown type', file(`{"a":${tensor('F31', '[2]', '[0,2]')}}`, two), '"F31"'],
    [
      'a type from the prototype',
      file(`{"a":${tensor('constructor', '[2]', '[0,2]')}}`, two),
      '"constructor"',
    ],
    ['the name __proto__', file(`{"__proto__":${u8}}`, two), '"__proto__" cannot'],
    ['metadata that is no string', file('{"__metadata__":{"a":1}}'), 'expected'],
    ['a tensor that is null', file('{"a":null}'), 'expected'],
    [
      'too many dimensions',
      file(`{"a":${tensor('U8', `[${'1,'.repeat(99)}2]`, '[0,2]')}}`, two),
      'dimensions',
    ],
  ])('refuses %s', async (_, bytes, reason) => {
    const path = temporaryFile('bad.safetensors', bytes);
    const error = await userErrorOf(readSafetensors(path));
    expect(error.kind).toBe('checkpoint');
    expect(error.message).toContain(`${path}: `);
    expect(error.message).toContain(reason);
  });

  it('refuses a header of more than 100 MB at once, without reading it', async () => {
    const path = temporaryFile('big.safetensors', file('{', new Uint8Array(), 100_000_001n));
    truncateSync(path, 200_000_000);
    const before = performance.now();
    expect((await userErrorOf(readSafetensors(path))).message).toContain('announces a header of 100000001');
    expect(performance.now() - before).toBeLessThan(100);
  });

  it('refuses a header of endless entries before they fill the memory', async () => {
    const empty = tensor('U8', '[0]', '[0,0]');
    const header = `{${Array.from({length: 60_000}, (_, i) => `"${i}":${empty}`).join(',')}}`;
    const error = await userErrorOf(readSafetensors(temporaryFile('a', file(header))));
    expect(error.message).toContain('more than 50000 entries');
  });

  it('answers 20,000 damaged headers with a format error or a layout that fills the file', () => {
    const good = Buffer.from(encodeSafetensors(dictOfStep(3), new Map([['format', 'pt']])));
    const header = good.subarray(8, 8 + Number(good.readBigUInt64LE()));
    const dataBytes = good.length - 8 - header.length;
    const random = stream(1, 'safetensors fuzz');
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(header);
      for (let edits = random.integer(3); edits >= 0; edits--) {
        bytes[random.integer(bytes.length)] = random.integer(256);
      }
      try {
        const {tensors} = parseHeader(bytes, dataBytes);
        expect([...tensors.values()].reduce((sum, {begin, end}) => sum + end - begin, 0)).toBe(dataBytes);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }
  });

  it('says that a missing file is missing, and that a folder is no file', async () => {
    const folder = temporaryFolder();
    const missing = await userErrorOf(readSafetensors(join(folder, 'none.safetensors')));
    expect([missing.kind, missing.message]).toEqual([
      'usage',
      `${join(folder, 'none.safetensors')}: there is no such file; check the path.`,
    ]);
    expect((await userErrorOf(readSafetensors(folder))).message).toContain('is not a regular file');
  });

  it('refuses to write a reserved name, and data that do not fill their shape', () => {
    expect(() => encodeSafetensors(new Map([['__metadata__', floats(1)]]))).toThrow('__metadata__');
    expect(() => encodeSafetensors(new Map([['a', {...floats(1), shape: [2]}]]))).toThrow('do not fill');
  });
});
