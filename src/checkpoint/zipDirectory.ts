/**
 * @file The central directory of a zip archive (PKWARE's APPNOTE 6.3, zip64 included), checked: names that lead out of the
 * archive, entries that are encrypted, repeated or overlapping make the whole archive suspect. Which ways of packing an
 * entry are allowed is the reader's matter.
 */
import {FormatError, quoted} from './formatError.js';
import type {InputFile} from './inputFile.js';

const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
/** Of the archive: its length is a number of 16 bits. */
const LONGEST_COMMENT = 0xffff;
const MAX_DIRECTORY_BYTES = 64 * 2 ** 20;
const ENCRYPTED = 0x2041; // plain, strong, and masked headers

export interface ZipEntry {
  readonly name: string;
  /** How its bytes are packed: 0 stored, 8 deflated. */
  readonly method: number;
  readonly crc: number;
  /** Bytes of its content. */
  readonly size: number;
  /** Bytes that it takes in the archive. */
  readonly packed: number;
  readonly headerStart: number;
}

export interface ZipDirectory {
  /** By their names, in the directory's order; folders too. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** Where the directory itself begins: entries end before it. */
  readonly start: number;
}

async function view(file: InputFile, position: number, length: number): Promise<DataView> {
  return new DataView(await file.read(position, length));
}

function uint64(bytes: DataView, offset: number): number {
  const value = bytes.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new FormatError('is a damaged zip archive: a size beyond 2^53');
  return Number(value);
}

interface DirectoryPlace {
  readonly count: number;
  readonly bytes: number;
  readonly start: number;
}

/** Where the end record is: the last thing but for the archive's comment, whose length it states. */
async function findEnd(file: InputFile): Promise<{end: DataView; endStart: number}> {
  const length = Math.min(file.size, END_BYTES + LONGEST_COMMENT);
  const tail = await view(file, file.size - length, length);
  for (let at = length - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== 0x06054b50 || tail.getUint16(at + 20, true) !== length - END_BYTES - at)
      continue;
    return {end: new DataView(tail.buffer, at, END_BYTES), endStart: file.size - length + at};
  }
  throw new FormatError('is a zip archive without its end: the file is cut off, or bytes were added to it');
}

async function findDirectory(file: InputFile): Promise<DirectoryPlace> {
  const {end, endStart} = await findEnd(file);
  const short = {
    count: end.getUint16(10, true),
    bytes: end.getUint32(12, true),
    start: end.getUint32(16, true),
  };
  const locatorStart = endStart - LOCATOR_BYTES;
  const locator = locatorStart < 0 ? null : await view(file, locatorStart, LOCATOR_BYTES);
  if (locator?.getUint32(0, true) !== 0x07064b50) return short;
  const end64 = await view(file, uint64(locator, 8), END64_BYTES);
  if (end64.getUint32(0, true) !== 0x06064b50)
    throw new FormatError('is a damaged zip archive: no zip64 record');
  return {count: uint64(end64, 32), bytes: uint64(end64, 40), start: uint64(end64, 48)};
}

/** The sizes and the place that a zip64 extra field holds for those of the entry's fields that are all ones. */
function zip64Values(extra: DataView, saturated: readonly boolean[]): (number | null)[] {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    const end = Math.min(at + 4 + extra.getUint16(at + 2, true), extra.byteLength);
    let next = at + 4;
    return saturated.map((wanted) => {
      if (!wanted || next + 8 > end) return null;
      next += 8;
      return uint64(extra, next - 8);
    });
  }
  return saturated.map(() => null);
}

function checkName(name: string, entries: ReadonlyMap<string, ZipEntry>): void {
  const shown = quoted(name);
  if (/^\/|\\|\0|^[A-Za-z]:/.test(name) || name.split('/').includes('..')) {
    throw new FormatError(`is refused: its entry ${shown} points outside of the archive`);
  }
  if (entries.has(name)) throw new FormatError(`is refused: its entry ${shown} occurs twice`);
}

/** One record of the central directory, and where the next one begins. */
function readEntry(directory: DataView, at: number): {entry: ZipEntry; next: number} {
  const damaged = () => new FormatError('is a damaged zip archive: its directory is cut off');
  if (at + CENTRAL_BYTES > directory.byteLength || directory.getUint32(at, true) !== 0x02014b50)
    throw damaged();
  const [flags, method] = [directory.getUint16(at + 8, true), directory.getUint16(at + 10, true)];
  const nameEnd = at + CENTRAL_BYTES + directory.getUint16(at + 28, true);
  const extraEnd = nameEnd + directory.getUint16(at + 30, true);
  const next = extraEnd + directory.getUint16(at + 32, true);
  if (next > directory.byteLength) throw damaged();
  const bytes = (from: number, to: number) =>
    new Uint8Array(directory.buffer, directory.byteOffset + from, to - from);
  const name = new TextDecoder().decode(bytes(at + CENTRAL_BYTES, nameEnd));
  const fields = [20, 24, 42].map((offset) => directory.getUint32(at + offset, true));
  const extra = new DataView(directory.buffer, directory.byteOffset + nameEnd, extraEnd - nameEnd);
  const wide = zip64Values(
    extra,
    [1, 0, 2].map((field) => fields[field] === 0xffffffff),
  );
  const [size, packed, headerStart] = [wide[0] ?? fields[1], wide[1] ?? fields[0], wide[2] ?? fields[2]];
  if ((flags & ENCRYPTED) !== 0) throw new FormatError(`is refused: its entry ${quoted(name)} is encrypted`);
  if (method === 0 && packed !== size) {
    throw new FormatError(`is a damaged zip archive: its entry ${quoted(name)} has two sizes`);
  }
  const crc = directory.getUint32(at + 16, true);
  return {entry: {name, method, crc, size, packed, headerStart}, next};
}

/** No two entries may share bytes, nor reach into the directory. */
function checkOverlap(entries: Iterable<ZipEntry>, directoryStart: number): void {
  let reached = 0;
  for (const entry of [...entries].sort((a, b) => a.headerStart - b.headerStart)) {
    if (entry.headerStart < reached)
      throw new FormatError(`is refused: its entry ${quoted(entry.name)} overlaps another`);
    reached = entry.headerStart + LOCAL_BYTES + entry.name.length + entry.packed;
  }
  if (reached > directoryStart)
    throw new FormatError('is a damaged zip archive: an entry reaches into its directory');
}

/** @throws FormatError for a damaged or suspicious archive */
export async function readZipDirectory(file: InputFile): Promise<ZipDirectory> {
  const {count, bytes, start} = await findDirectory(file);
  if (bytes > MAX_DIRECTORY_BYTES || count * CENTRAL_BYTES > bytes) {
    throw new FormatError(`is a damaged zip archive: a directory of ${count} entries in ${bytes} bytes`);
  }
  const directory = await view(file, start, bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const {entry, next} = readEntry(directory, at);
    checkName(entry.name, entries);
    entries.set(entry.name, entry);
    at = next;
  }
  checkOverlap(entries.values(), start);
  return {entries, start};
}

/**
 * The bytes of an entry as they are packed.
 * @param onPiece sees them in order, as they arrive
 * @throws FormatError if the entry's own header contradicts the directory
 */
export async function readPacked(
  file: InputFile,
  {name, headerStart, packed}: ZipEntry,
  directoryStart: number,
  onPiece?: (piece: Uint8Array) => void,
): Promise<ArrayBuffer> {
  const local = await view(file, headerStart, LOCAL_BYTES);
  const nameBytes = local.getUint16(26, true);
  const start = headerStart + LOCAL_BYTES + nameBytes + local.getUint16(28, true);
  if (local.getUint32(0, true) !== 0x04034b50 || start + packed > directoryStart) {
    throw new FormatError(
      `is a damaged zip archive: the entry ${quoted(name)} is not where its directory says`,
    );
  }
  const ownName = await file.read(headerStart + LOCAL_BYTES, nameBytes);
  if (new TextDecoder().decode(ownName) !== name) {
    throw new FormatError(
      `is a damaged zip archive: the entry ${quoted(name)} has another name in its own header`,
    );
  }
  return file.read(start, packed, onPiece);
}

/** @throws FormatError that names both sums if they differ */
export function requireChecksum({name, crc}: ZipEntry, sum: number): void {
  if (sum === crc) return;
  const [expected, actual] = [crc, sum].map((value) => value.toString(16).padStart(8, '0'));
  throw new FormatError(`is damaged: the entry ${quoted(name)} has the checksum ${actual}, not ${expected}`);
}
