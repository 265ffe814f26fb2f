/**
 * @file Cuts a JSON document of lists of records into its records as its bytes arrive, so that a file of any length costs
 * the memory of its longest record. Within a record brackets are only counted: parsing it is the receiver's part.
 */
import {ValueScanner} from './valueScanner.js';

/** What is wrong with the bytes of a JSON file; the reader names the file. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/**
 * Receives one value of the document.
 * @param key the member of the root object that holds it; '' where the root is a list
 * @param index its place in the member's list; null where the member is no list
 * @param bytes of the value; they change after the call
 */
export type OnRecord = (key: string, index: number | null, bytes: Buffer) => void;

/** Far beyond any annotation, and below the longest string that V8 can make. */
const LONGEST_RECORD = 2 ** 28;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const WHITE_SPACE = new Set(Buffer.from(' \t\r\n'));
const LIST = '['.charCodeAt(0);

/** What may come next; the value after a key is told apart from the items of a list. */
type Expected =
  | 'document'
  | 'firstKey'
  | 'key'
  | 'colon'
  | 'value'
  | 'afterValue'
  | 'firstItem'
  | 'item'
  | 'afterItem'
  | 'nothing';

/** The state that a punctuation mark leads to. */
const NEXT: Readonly<Record<Expected, Readonly<Record<string, Expected>>>> = {
  document: {'{': 'firstKey', '[': 'firstItem'},
  firstKey: {'}': 'nothing'},
  key: {},
  colon: {':': 'value'},
  value: {'[': 'firstItem'},
  afterValue: {',': 'key', '}': 'nothing'},
  firstItem: {']': 'afterValue'},
  item: {},
  afterItem: {',': 'item', ']': 'afterValue'},
  nothing: {},
};

/** Where a value begins that is kept whole, and what follows it. */
const AFTER: Readonly<Partial<Record<Expected, Expected>>> = {
  firstKey: 'colon',
  key: 'colon',
  value: 'afterValue',
  firstItem: 'afterItem',
  item: 'afterItem',
};

export class RecordSplitter {
  /** The members of the root object that are lists. */
  readonly lists = new Set<string>();
  /** The document is itself a list. */
  rootIsList = false;
  readonly #scanner = new ValueScanner();
  readonly #keys = new Set<string>();
  #expected: Expected = 'document';
  #key = '';
  #index = 0;
  #isInValue = false;
  /** Of the value under way: bytes that came with earlier pieces. */
  #earlier: Buffer[] = [];
  /** Bytes before the current piece. */
  #offset = 0;

  constructor(private readonly onRecord: OnRecord) {}

  /** @throws JsonError at a byte that fits no JSON document; what `onRecord` throws */
  push(piece: Buffer): void {
    let at = this.#offset === 0 && piece.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
    while (at < piece.length) at = this.#isInValue ? this.#continueValue(piece, at) : this.#step(piece, at);
    this.#offset += piece.length;
  }

  /** There are no more bytes. @throws JsonError if the document is not complete */
  end(): void {
    if (this.#expected === 'nothing') return;
    throw new JsonError(this.#offset === 0 ? 'it is empty' : `it ends early, after ${this.#offset} bytes`);
  }

  /** Takes one byte between values, or begins a value there. @returns where to go on */
  #step(piece: Buffer, at: number): number {
    const byte = piece[at];
    if (WHITE_SPACE.has(byte)) return at + 1;
    const next = NEXT[this.#expected][String.fromCharCode(byte)];
    if (next === undefined) {
      this.#beginValue(byte, at);
      return at;
    }
    if (this.#expected === 'document') this.rootIsList = byte === LIST;
    if (next === 'firstItem') {
      this.#index = 0;
      if (!this.rootIsList) this.lists.add(this.#key);
    }
    this.#expected = next === 'afterValue' && this.rootIsList ? 'nothing' : next;
    return at + 1;
  }

  #beginValue(byte: number, at: number): void {
    const isKey = this.#expected === 'key' || this.#expected === 'firstKey';
    const begins = isKey ? '"' : '"{[-0123456789tfnNI';
    if (AFTER[this.#expected] === undefined || !begins.includes(String.fromCharCode(byte))) {
      if (this.#expected === 'document') throw new JsonError('it is neither an object nor a list');
      const shown = JSON.stringify(String.fromCharCode(byte));
      throw new JsonError(`unexpected ${shown} at byte ${this.#offset + at}`);
    }
    this.#scanner.begin(byte);
    this.#isInValue = true;
  }

  #continueValue(piece: Buffer, at: number): number {
    const end = this.#scanner.scan(piece, at);
    if (end >= 0) {
      this.#finishValue(piece.subarray(at, end));
      return end;
    }
    // The caller may fill the same buffer again.
    this.#earlier.push(Buffer.from(piece.subarray(at)));
    if (this.#earlier.reduce((sum, {length}) => sum + length, 0) > LONGEST_RECORD) {
      throw new JsonError(`the record before byte ${this.#offset + piece.length} is longer than 256 MiB`);
    }
    return piece.length;
  }

  #finishValue(bytes: Buffer): void {
    const value = this.#earlier.length === 0 ? bytes : Buffer.concat([...this.#earlier, bytes]);
    const expected = this.#expected;
    this.#earlier = [];
    this.#isInValue = false;
    this.#expected = AFTER[expected]!;
    if (this.#expected === 'colon') this.#key = this.#newKey(value.toString());
    else this.onRecord(this.#key, this.#expected === 'afterItem' ? this.#index++ : null, value);
  }

  #newKey(text: string): string {
    const key = JSON.parse(text) as string;
    if (this.#keys.has(key)) throw new JsonError(`the member ${text} occurs twice`);
    this.#keys.add(key);
    return key;
  }
}
