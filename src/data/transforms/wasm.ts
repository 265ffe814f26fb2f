/**
 * @file Just enough of an assembler for two small WebAssembly functions (core specification 2.0, chapter 5): what
 * JavaScript cannot say is "four bytes at once". Code is written as the stack machine reads it.
 */

type Bytes = readonly number[];

/** What is used of WebAssembly, whose types come with those of browsers. */
interface Runtime {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {readonly exports: object};
}
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}
const {Module, Instance} = (globalThis as unknown as {readonly WebAssembly: Runtime}).WebAssembly;

/** LEB128, which for these numbers is the same signed and unsigned up to the bit that is kept free. */
function signed(value: number): Bytes {
  const byte = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
  return isLast ? [byte] : [byte | 0x80, ...signed(rest)];
}
function unsigned(value: number): Bytes {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
const vector = (items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()];
const simd = (code: number): Bytes => [0xfd, ...unsigned(code)];
/** No alignment is promised: pixels of three bytes lie anywhere. */
const memory = (offset: number): Bytes => [0, ...unsigned(offset)];

const I32 = 0x7f;
const EMPTY = 0x40;

export const get = (local: number): Bytes => [0x20, local];
export const set = (local: number): Bytes => [0x21, local];
export const tee = (local: number): Bytes => [0x22, local];
export const constant = (value: number): Bytes => [0x41, ...signed(value)];
/** Repeats its body as long as it leaves a number that is not 0. */
export const loop = (...body: readonly Bytes[]): Bytes => [0x03, EMPTY, ...body.flat(), 0x0d, 0, 0x0b];

export const i32 = {
  add: [0x6a],
  sub: [0x6b],
  mul: [0x6c],
  and: [0x71],
  or: [0x72],
  shl: [0x74],
  shr: [0x75],
  store: [0x36, ...memory(0)],
} as const;

export const v128 = {
  load32: (offset = 0): Bytes => [...simd(0x5c), ...memory(offset)],
  load64: (offset = 0): Bytes => [...simd(0x5d), ...memory(offset)],
  store: (offset = 0): Bytes => [...simd(0x0b), ...memory(offset)],
  constant: (bytes: Uint8Array): Bytes => [...simd(0x0c), ...bytes],
  /** Sixteen bytes of two vectors, the second counted from 16 on. */
  shuffle: (lanes: Bytes): Bytes => [...simd(0x0d), ...lanes],
} as const;

export const i32x4 = {
  splat: simd(0x11),
  first: [...simd(0x1b), 0],
  add: simd(0xae),
  mul: simd(0xb5),
  shr: simd(0xad),
  /** Sums of products of neighbouring 16-bit numbers. */
  dot: simd(0xba),
  toI16: simd(0x86),
  ofI16: simd(0xa9),
} as const;

export const i16x8 = {toI8: simd(0x66), ofI8: simd(0x89)} as const;
export const f32x4 = {ofI32: simd(0xfb), mul: simd(0xe6), add: simd(0xe4)} as const;

/** A function of 32-bit integers without a result. */
export interface WasmFunction {
  readonly parameters: number;
  /** Further locals. */
  readonly locals: number;
  readonly code: readonly Bytes[];
}

/** A module that exports its functions and its `memory` of at first one page. */
function assemble(functions: Readonly<Record<string, WasmFunction>>): Uint8Array {
  const names = Object.keys(functions);
  const all = Object.values(functions);
  const name = (text: string): Bytes => vector([...Buffer.from(text)].map((byte) => [byte]));
  const sized = (content: Bytes): Bytes => [...unsigned(content.length), ...content];
  const section = (id: number, items: readonly Bytes[]): Bytes => [id, ...sized(vector(items))];
  const types = all.map(({parameters}) => [0x60, ...vector(new Array(parameters).fill([I32])), 0]);
  const bodies = all.map(({locals, code}) =>
    sized([...vector([[...unsigned(locals), I32]]), ...code.flat(), 0x0b]),
  );
  const exported = names.map((text, i) => [...name(text), 0, ...unsigned(i)]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(
      3,
      all.map((_, i) => unsigned(i)),
    ),
    ...section(5, [[0, 1]]),
    ...section(7, [...exported, [...name('memory'), 2, 0]]),
    ...section(10, bodies),
  ]);
}

/** Bytes that a function may touch beyond what it is given. */
const SLACK = 64;
const PAGE = 65536;

/** Functions and their memory, which grows as it must and is kept. */
export interface Kernel<T> {
  readonly run: T;
  /** The memory, of at least so many bytes and a few to spare. */
  readonly reserve: (bytes: number) => ArrayBuffer;
}

/**
 * @param plain the same functions in JavaScript over the memory that is given, for where WebAssembly is not to be had:
 *   V8 wants 10 GB of addresses for any memory, and `ulimit -v` may not leave them
 */
export function instantiate<T>(
  functions: {readonly [name in keyof T]: WasmFunction},
  plain: (memory: () => ArrayBuffer) => T,
): Kernel<T> {
  try {
    const {exports} = new Instance(new Module(assemble(functions)));
    const {memory} = exports as {readonly memory: Memory};
    const reserve = (bytes: number) => {
      const missing = bytes + SLACK - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
      return memory.buffer;
    };
    return {run: exports as T, reserve};
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return plainKernel(plain);
  }
}

/** The functions in JavaScript, with a memory of their own. */
export function plainKernel<T>(plain: (memory: () => ArrayBuffer) => T): Kernel<T> {
  let memory = new ArrayBuffer(PAGE);
  const reserve = (bytes: number) => {
    if (bytes + SLACK > memory.byteLength) memory = new ArrayBuffer(bytes + SLACK);
    return memory;
  };
  return {run: plain(() => memory), reserve};
}
