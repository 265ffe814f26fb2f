/**
 * @file The content of an annotation file as bytes, for the cache: a line of JSON, a row of doubles for each person, a
 * checksum. In blocks, so that neither side holds more than one beside the content itself.
 */
import {crc32} from 'node:zlib';
import type {Box} from '../types.js';
import type {AnnotationContent, Category, ImageRecord, PersonRecord} from './content.js';
import {type Finding, Findings, type RuleName} from './rules.js';

/** Before the keypoints: id, image, area, crowd, stated, and the three boxes. */
const FIXED = 17;
const BLOCK_ROWS = 4096;
const CHECKSUM_BYTES = 4;

interface Header {
  /** Of what this is the content. */
  readonly key: string;
  readonly category: Category;
  readonly counts: AnnotationContent['counts'];
  readonly images: readonly ImageRecord[];
  readonly findings: readonly (readonly [RuleName, readonly Finding[]])[];
  readonly people: number;
  /** Numbers of a person's keypoints. */
  readonly width: number;
}

export function* encodeContent(content: AnnotationContent, key: string): Generator<Uint8Array> {
  const {category, counts, images, people, findings} = content;
  const width = people[0]?.keypoints.length ?? 0;
  const header: Header = {
    key,
    category,
    counts,
    images,
    findings: findings.entries(),
    people: people.length,
    width,
  };
  let checksum = 0;
  for (const part of [Buffer.from(`${JSON.stringify(header)}\n`), ...blocks(people, width)]) {
    checksum = crc32(part, checksum);
    yield part;
  }
  const end = Buffer.alloc(CHECKSUM_BYTES);
  end.writeUInt32LE(checksum);
  yield end;
}

function* blocks(people: readonly PersonRecord[], width: number): Generator<Uint8Array> {
  for (let start = 0; start < people.length; start += BLOCK_ROWS) {
    const block = people.slice(start, start + BLOCK_ROWS);
    const rows = new Float64Array(block.length * (FIXED + width));
    block.forEach((person, i) => {
      rows.set(rowOf(person), i * (FIXED + width));
    });
    yield new Uint8Array(rows.buffer);
  }
}

const NO_BOX = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];

function rowOf({id, imageId, area, isCrowd, stated, box, crop, headBox, keypoints}: PersonRecord): number[] {
  const boxes = [...box, ...(crop ?? NO_BOX), ...(headBox ?? NO_BOX)];
  return [id, imageId, area, Number(isCrowd), stated ?? Number.NaN, ...boxes, ...keypoints];
}

/**
 * The content that was encoded under `key`, or null for any other bytes.
 * @param pieces of a file, in order
 */
export async function decodeContent(
  pieces: AsyncIterable<Buffer>,
  key: string,
): Promise<AnnotationContent | null> {
  const bytes = new Pieces(pieces);
  const header = await readHeader(bytes, key);
  if (header === null) return null;
  const {category, counts, images, width} = header;
  const people: PersonRecord[] = [];
  while (people.length < header.people) {
    const count = Math.min(BLOCK_ROWS, header.people - people.length);
    const rows = await bytes.take(8 * count * (FIXED + width));
    if (rows === null) return null;
    people.push(...peopleOf(rows, width));
  }
  const {checksum} = bytes;
  const end = await bytes.take(CHECKSUM_BYTES);
  if (end?.readUInt32LE() !== checksum || !(await bytes.isAtEnd())) return null;
  const findings = new Findings();
  for (const [rule, found] of header.findings)
    for (const {record, detail} of found) findings.add(rule, record, detail);
  return {category, counts, images, people, findings};
}

async function readHeader(bytes: Pieces, key: string): Promise<Header | null> {
  const line = await bytes.takeLine();
  if (line === null) return null;
  try {
    const header = JSON.parse(line.toString()) as Header;
    return header.key === key ? header : null;
  } catch {
    return null;
  }
}

function peopleOf(bytes: Buffer, width: number): PersonRecord[] {
  const rows = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const people: PersonRecord[] = [];
  for (let at = 0; at < rows.length; at += FIXED + width) people.push(personAt(rows, at, width));
  return people;
}

/** Without views and iterators, which would take most of the time that a large file needs. */
function personAt(rows: Float64Array, at: number, width: number): PersonRecord {
  const stated = rows[at + 4];
  const keypoints: number[] = [];
  for (let i = at + FIXED; i < at + FIXED + width; i++) keypoints.push(rows[i]);
  return {
    id: rows[at],
    imageId: rows[at + 1],
    area: rows[at + 2],
    isCrowd: rows[at + 3] === 1,
    stated: Number.isNaN(stated) ? null : stated,
    box: [rows[at + 5], rows[at + 6], rows[at + 7], rows[at + 8]],
    crop: boxAt(rows, at + 9),
    headBox: boxAt(rows, at + 13),
    keypoints,
  };
}

function boxAt(rows: Float64Array, at: number): Box | null {
  return Number.isNaN(rows[at]) ? null : [rows[at], rows[at + 1], rows[at + 2], rows[at + 3]];
}

/** Takes bytes off a stream of pieces, with the checksum of all that were taken. */
class Pieces {
  checksum = 0;
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or null if there are not as many. */
  async take(length: number): Promise<Buffer | null> {
    const parts = [this.#rest];
    let have = this.#rest.length;
    while (have < length) {
      const {value, done} = await this.#pieces.next();
      if (done) return null;
      parts.push(value);
      have += value.length;
    }
    return this.#split(Buffer.concat(parts), length);
  }

  /** Up to the next line feed, which is included. */
  async takeLine(): Promise<Buffer | null> {
    const parts = [this.#rest];
    while (!parts.at(-1)!.includes('\n')) {
      const {value, done} = await this.#pieces.next();
      if (done) return null;
      parts.push(value);
    }
    const all = Buffer.concat(parts);
    return this.#split(all, all.indexOf('\n') + 1);
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && (await this.#pieces.next()).done === true;
  }

  #split(bytes: Buffer, length: number): Buffer {
    const taken = bytes.subarray(0, length);
    this.#rest = bytes.subarray(length);
    this.checksum = crc32(taken, this.checksum);
    return taken;
  }
}
