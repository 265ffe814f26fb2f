/** @file The header of a safetensors file, read by a parser that is stricter than JSON.parse, and checked as a whole. */
import {ELEMENT_TYPES, elementBytes, elementCount, isElementType} from './elements.js';
import {FormatError, quoted} from './formatError.js';
import type {ElementType} from './stateDict.js';

/** The format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Keeps what a header can make us allocate to some tens of megabytes. */
const MAX_ENTRIES = 50_000;
const MAX_RANK = 64;
const MAX_STRING_BYTES = 8 * 2 ** 20;

/** One tensor of a file: its bytes are [begin, end) of the data, which follows the header. */
export interface TensorEntry {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the header's order. */
  readonly tensors: Map<string, TensorEntry>;
  readonly metadata: Map<string, string>;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;

/**
 * Scans the part of JSON that headers use. JSON.parse would keep the last of two equal keys, and round 1e400 to
 * infinity; here keys are unique, and numbers are non-negative integers below 2^53.
 */
class HeaderScanner {
  private position = 0;
  private readonly decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

  constructor(private readonly bytes: Uint8Array) {}

  /** The next byte that is not white space, or NaN at the end. */
  private peek(): number {
    while (isSpace(this.bytes[this.position])) this.position++;
    return this.bytes[this.position] ?? Number.NaN;
  }

  fail(reason: string): never {
    throw new FormatError(`its header is damaged at byte ${8 + this.position}: ${reason}`);
  }

  expect(character: string): void {
    if (this.peek() !== character.charCodeAt(0)) this.fail(`"${character}" expected`);
    this.position++;
  }

  private accept(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false;
    this.position++;
    return true;
  }

  end(): void {
    if (!Number.isNaN(this.peek())) this.fail('more follows the closing brace');
  }

  string(): string {
    this.expect('"');
    const start = this.position - 1;
    for (; this.bytes[this.position] !== QUOTE; this.position++) {
      if (this.position >= this.bytes.length) this.fail('a string does not end');
      if (this.bytes[this.position] === BACKSLASH) this.position++;
    }
    this.position++;
    if (this.position - start > MAX_STRING_BYTES) this.fail('a string is too long');
    try {
      return JSON.parse(this.decoder.decode(this.bytes.subarray(start, this.position))) as string;
    } catch {
      return this.fail('a string is not valid');
    }
  }

  count(): number {
    this.peek();
    const start = this.position;
    while (isDigit(this.bytes[this.position])) this.position++;
    const digits = this.decoder.decode(this.bytes.subarray(start, Math.min(this.position, start + 17)));
    const value = Number(digits);
    if (!/^(0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value)) {
      this.fail('a non-negative integer below 2^53 expected');
    }
    return value;
  }

  /** Calls `item` for each element of an array. */
  array(item: () => void): void {
    this.expect('[');
    if (this.accept(']')) return;
    do item();
    while (this.accept(','));
    this.expect(']');
  }

  /** Calls `member` for each key of an object, at its value. */
  object(member: (key: string) => void): void {
    const keys = new Set<string>();
    this.expect('{');
    if (this.accept('}')) return;
    do {
      const key = this.string();
      if (keys.has(key)) this.fail(`the key ${quoted(key)} occurs twice`);
      if (keys.size === MAX_ENTRIES) this.fail(`more than ${MAX_ENTRIES} entries`);
      keys.add(key);
      this.expect(':');
      member(key);
    } while (this.accept(','));
    this.expect('}');
  }
}

function counts(scanner: HeaderScanner): number[] {
  const values: number[] = [];
  scanner.array(() => {
    if (values.length === MAX_RANK) scanner.fail(`more than ${MAX_RANK} dimensions`);
    values.push(scanner.count());
  });
  return values;
}

function tensorEntry(scanner: HeaderScanner, name: string): TensorEntry {
  let dtype = '';
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object((key) => {
    if (key === 'dtype') dtype = scanner.string();
    else if (key === 'shape') shape = counts(scanner);
    else if (key === 'data_offsets') offsets = counts(scanner);
    else scanner.fail(`unknown key ${quoted(key)}`);
  });
  const where = quoted(name);
  if (!isElementType(dtype)) {
    return scanner.fail(`${where} has the type ${quoted(dtype)}; known are ${ELEMENT_TYPES.join(', ')}`);
  }
  if (shape === undefined || offsets?.length !== 2) {
    return scanner.fail(`${where} needs "shape" and two "data_offsets"`);
  }
  const [begin, end] = offsets;
  const needed = elementCount(shape) * elementBytes(dtype);
  if (end - begin !== needed) {
    scanner.fail(`${where} of ${dtype} and shape [${shape}] takes ${needed} bytes, not [${begin}, ${end})`);
  }
  return {dtype, shape, begin, end};
}

/** Every byte of the data belongs to exactly one tensor. */
function checkLayout(tensors: Map<string, TensorEntry>, dataBytes: number): void {
  let reached = 0;
  const ordered = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, {begin, end}] of ordered) {
    if (begin !== reached) {
      const fault = begin < reached ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw new FormatError(`${quoted(name)} ${fault}: it begins at ${begin}, not at ${reached}`);
    }
    reached = end;
  }
  if (reached !== dataBytes) {
    throw new FormatError(`has ${dataBytes} bytes of data where its header describes ${reached}`);
  }
}

/**
 * Parses and checks a header.
 * @param bytes the header alone
 * @param dataBytes how many bytes follow it in the file
 * @throws FormatError for anything that the format does not allow, and for names that JavaScript would misread
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number): Header {
  if (bytes[0] !== '{'.charCodeAt(0))
    throw new FormatError('is not a safetensors file: no "{" after the length');
  const scanner = new HeaderScanner(bytes);
  const tensors = new Map<string, TensorEntry>();
  const metadata = new Map<string, string>();
  scanner.object((name) => {
    if (name === '__proto__') scanner.fail('"__proto__" cannot be a tensor');
    if (name === '__metadata__') scanner.object((key) => metadata.set(key, scanner.string()));
    else tensors.set(name, tensorEntry(scanner, name));
  });
  scanner.end();
  checkLayout(tensors, dataBytes);
  return {tensors, metadata};
}
