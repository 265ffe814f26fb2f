/** @file The stack machine that pickles are programs of, reduced to building data; it knows no modules and calls no code. */
import {FormatError} from '../formatError.js';
import {type PickleDict, PickleGlobal, type PickleHost, type PickleValue, Tuple} from './pickleValues.js';

/** Keeps a hostile pickle of a few megabytes from filling the memory; a checkpoint of ten thousand tensors needs a quarter of it. */
const MAX_CONTAINERS = 500_000;
const MAX_INTEGER_BYTES = 64;

/** The bytes end before the pickle does. */
export class TruncatedPickle extends FormatError {}

const UTF8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

/** The state of a pickle being read: its bytes, the stack with its marks, and the memo. */
export class Machine {
  private readonly view: DataView;
  private readonly memo = new Map<number, PickleValue>();
  private readonly outer: PickleValue[][] = [];
  private stack: PickleValue[] = [];
  private containers = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly host: PickleHost,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where the next byte is. */
  get position(): number {
    return this.at;
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw new TruncatedPickle('its pickle ends early');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  private advance(length: number): number {
    const at = this.at;
    this.take(length);
    return at;
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  /** Beyond 2^53 it loses digits, but then no file is long enough. */
  uint64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  /** Big-endian, as pickles have it. */
  float64(): number {
    return this.view.getFloat64(this.advance(8));
  }

  /** A two's complement integer of any length, little-endian. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES)
      throw new FormatError(`is refused: its pickle has an integer of ${length} bytes`);
    const hex = Buffer.from(this.take(length)).reverse().toString('hex');
    const value = length === 0 ? 0n : BigInt.asIntN(8 * length, BigInt(`0x${hex}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  text(length: number): string {
    try {
      return UTF8.decode(this.take(length));
    } catch (error) {
      if (error instanceof FormatError) throw error;
      throw new FormatError('is damaged: its pickle has a string that is not UTF-8');
    }
  }

  /** Up to the end of the line. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new TruncatedPickle('its pickle ends early');
    const line = this.text(end - this.at);
    this.at++;
    return line;
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  /** Pushes a new object, which counts towards the limit. */
  make(value: PickleValue): void {
    this.countContainers();
    this.stack.push(value);
  }

  private countContainers(count = 1): void {
    this.containers += count;
    if (this.containers > MAX_CONTAINERS) {
      throw new FormatError(`is refused: its pickle builds more than ${MAX_CONTAINERS} objects`);
    }
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw new FormatError('is damaged: its pickle takes more values than it has');
    return value;
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    this.countContainers();
    this.outer.push(this.stack);
    this.stack = [];
  }

  /** The values since the last mark. */
  popMark(): PickleValue[] {
    const items = this.stack;
    const outer = this.outer.pop();
    if (outer === undefined) throw new FormatError('is damaged: its pickle misses a mark');
    this.stack = outer;
    return items;
  }

  /** `count` values in the order in which they were pushed. */
  popMany(count: number): PickleValue[] {
    return Array.from({length: count}, () => this.pop()).reverse();
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.memo.size);
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw new FormatError(`is damaged: its pickle has no value ${index}`);
    this.stack.push(value);
  }

  find(name: string): void {
    this.push(this.host.find(name));
  }

  /** Calls an allowed global with a tuple of arguments. */
  reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal) || !(args instanceof Tuple)) {
      throw new FormatError(
        'is refused: its pickle calls something that is no allowed function; nothing was run',
      );
    }
    // A call copies its lists, and the same list may be given to any number of calls.
    for (const arg of args.items) if (Array.isArray(arg)) this.countContainers(arg.length);
    this.make(callee.call(args.items));
  }

  persistent(): void {
    this.make(this.host.persistent(this.pop()));
  }

  build(): void {
    const state = this.pop();
    this.host.build(this.top(), state);
  }

  extendList(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list))
      throw new FormatError('is damaged: its pickle appends to something that is no list');
    for (const item of items) list.push(item);
  }

  extendDict(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map))
      throw new FormatError('is damaged: its pickle sets a key of something that is no dict');
    fillDict(dict, items);
  }

  extendSet(items: readonly PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof Set))
      throw new FormatError('is damaged: its pickle adds to something that is no set');
    for (const item of items) set.add(item);
  }
}

export function fillDict(dict: PickleDict, items: readonly PickleValue[]): PickleDict {
  if (items.length % 2 !== 0) throw new FormatError('is damaged: its pickle has a key without a value');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  return dict;
}
