/**
 * @file The zip archives that PyTorch writes: stored entries only (PKWARE's APPNOTE 6.3, zip64 included). Entries may
 * not be compressed, encrypted, repeated or overlapping, so that no archive can unfold into more than its own size.
 */
import {crc32} from 'node:zlib';
import {FormatError, quoted} from '../formatError.js';
import type {InputFile} from '../inputFile.js';

const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_DIRECTORY_BYTES = 64 * 2 ** 20;
const ENCRYPTED = 0x2041; // plain, strong, and masked headers

interface ZipEntry {
  readonly name: string;
  readonly crc: number;
  readonly size: number;
  readonly headerStart: number;
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

interface Directory {
  readonly count: number;
  readonly bytes: number;
  readonly start: number;
}

/** Where the central directory is. PyTorch writes no archive comment, so the end record is the last thing. */
async function findDirectory(file: InputFile): Promise<Directory> {
  const endStart = file.size - END_BYTES;
  const end = endStart < 0 ? null : await view(file, endStart, END_BYTES);
  if (end?.getUint32(0, true) !== 0x06054b50) {
    throw new FormatError('is a zip archive without its end: the file is cut off, or bytes were added to it');
  }
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
  if (method !== 0 || packed !== size) {
    throw new FormatError(`is refused: its entry ${quoted(name)} is compressed, which PyTorch never does`);
  }
  return {entry: {name, crc: directory.getUint32(at + 16, true), size, headerStart}, next};
}

/** No two entries may share bytes, nor reach into the directory. */
function checkOverlap(entries: Iterable<ZipEntry>, directoryStart: number): void {
  let reached = 0;
  for (const entry of [...entries].sort((a, b) => a.headerStart - b.headerStart)) {
    if (entry.headerStart < reached)
      throw new FormatError(`is refused: its entry ${quoted(entry.name)} overlaps another`);
    reached = entry.headerStart + LOCAL_BYTES + entry.name.length + entry.size;
  }
  if (reached > directoryStart)
    throw new FormatError('is a damaged zip archive: an entry reaches into its directory');
}

/** An archive whose directory has been checked; entries are read one by one. */
export class ZipArchive {
  private constructor(
    private readonly file: InputFile,
    private readonly entries: ReadonlyMap<string, ZipEntry>,
    private readonly directoryStart: number,
  ) {}

  /** @throws FormatError for a damaged or suspicious archive */
  static async open(file: InputFile): Promise<ZipArchive> {
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
    return new ZipArchive(file, entries, start);
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  /** An entry's length in bytes, or null if there is no such entry. */
  sizeOf(name: string): number | null {
    return this.entries.get(name)?.size ?? null;
  }

  /**
   * An entry's content.
   * @throws FormatError if it is missing, or if its checksum is wrong
   */
  async read(name: string): Promise<ArrayBuffer> {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new FormatError(`lacks the entry ${quoted(name)}`);
    const local = await view(this.file, entry.headerStart, LOCAL_BYTES);
    const nameBytes = local.getUint16(26, true);
    const start = entry.headerStart + LOCAL_BYTES + nameBytes + local.getUint16(28, true);
    if (local.getUint32(0, true) !== 0x04034b50 || start + entry.size > this.directoryStart) {
      throw new FormatError(
        `is a damaged zip archive: the entry ${quoted(name)} is not where its directory says`,
      );
    }
    const ownName = await this.file.read(entry.headerStart + LOCAL_BYTES, nameBytes);
    if (new TextDecoder().decode(ownName) !== name) {
      throw new FormatError(
        `is a damaged zip archive: the entry ${quoted(name)} has another name in its own header`,
      );
    }
    let sum = 0;
    const content = await this.file.read(start, entry.size, (piece) => {
      sum = crc32(piece, sum);
    });
    if (sum !== entry.crc) {
      const [expected, actual] = [entry.crc, sum].map((value) => value.toString(16).padStart(8, '0'));
      throw new FormatError(
        `is damaged: the entry ${quoted(name)} has the checksum ${actual}, not ${expected}`,
      );
    }
    return content;
  }
}
