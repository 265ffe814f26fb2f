/** @file Finds where one JSON value ends in bytes that arrive in pieces, by counting brackets outside of texts. */

const QUOTE = 0x22;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;

/** 1 for `{` and `[`, −1 for `}` and `]`, 2 for a quote. */
const ROLE = new Int8Array(256);
for (const byte of Buffer.from('{[')) ROLE[byte] = 1;
for (const byte of Buffer.from('}]')) ROLE[byte] = -1;
ROLE[QUOTE] = 2;

/** Of so few bytes a look at each costs less than three searches. */
const SHORT_LIST = 64;

/** What follows a number, `true`, `false` or `null`. */
const ENDS_SCALAR = new Uint8Array(256);
for (const byte of Buffer.from(' \t\r\n,]}')) ENDS_SCALAR[byte] = 1;

export class ValueScanner {
  #depth = 0;
  #inText = false;
  #escaped = false;
  #isScalar = false;

  /** Prepares for the value whose first byte is `first`. */
  begin(first: number): void {
    this.#depth = 0;
    this.#inText = false;
    this.#escaped = false;
    this.#isScalar = ROLE[first] <= 0;
  }

  /** @returns the position after the value's last byte, or −1 if it goes on beyond the piece */
  scan(piece: Buffer, start: number): number {
    return this.#isScalar ? scalarEnd(piece, start) : this.#bracketsEnd(piece, start);
  }

  #bracketsEnd(piece: Buffer, start: number): number {
    // Local copies: this loop sees every byte of the file.
    let [depth, at] = [this.#depth, start];
    while (at < piece.length) {
      if (this.#inText) {
        at = this.#textEnd(piece, at);
        if (this.#inText) break;
        if (depth === 0) return at;
        continue;
      }
      const role = ROLE[piece[at]];
      at++;
      if (role === 0) continue;
      if (role === 2) this.#inText = true;
      else {
        depth += role;
        if (depth === 0) return at;
        if (role === 1) at = numbersEnd(piece, at);
      }
    }
    this.#depth = depth;
    return -1;
  }

  /** The position after the closing quote; `#inText` stays true if it is not in this piece. */
  #textEnd(piece: Buffer, start: number): number {
    let at = start;
    if (this.#escaped) {
      this.#escaped = false;
      at++;
    }
    for (; at < piece.length; at++) {
      if (piece[at] === BACKSLASH) at++;
      else if (piece[at] === QUOTE) {
        this.#inText = false;
        return at + 1;
      }
    }
    this.#escaped = at > piece.length;
    return piece.length;
  }
}

/**
 * Polygons are nearly all of COCO's bytes: a list that opened before `start` and holds numbers alone is passed over by
 * native searches. @returns the position of its closing bracket, or `start` if it holds anything else
 */
function numbersEnd(piece: Buffer, start: number): number {
  if (piece[start - 1] !== OPEN_LIST) return start;
  const end = piece.indexOf(CLOSE_LIST, start);
  if (end < start + SHORT_LIST) return start;
  const list = piece.subarray(start, end);
  return list.includes(QUOTE) || list.includes(OPEN_LIST) ? start : end;
}

function scalarEnd(piece: Buffer, start: number): number {
  for (let at = start; at < piece.length; at++) if (ENDS_SCALAR[piece[at]] === 1) return at;
  return -1;
}
