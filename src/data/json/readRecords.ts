/** @file JSON files of any length, read record by record. */
import {closeSync, createReadStream, openSync, readSync} from 'node:fs';
import {UserError} from '../../errors.js';
import {textWithoutPolygons} from './polygons.js';
import {JsonError, RecordSplitter} from './recordSplitter.js';

const PIECE_BYTES = 2 ** 22;

/**
 * Receives one record, parsed.
 * @param key the member of the root object that holds it; '' where the root is a list
 * @param index its place in the member's list; null where the member is no list
 * @param value undefined for a record with NaN or Infinity, which Python writes and JSON does not know
 */
export type OnValue = (key: string, index: number | null, value: unknown) => void;

export interface ReadOptions {
  /** Polygons of `segmentation` are not parsed: much faster, and null stands in their place. */
  readonly withoutPolygons?: boolean;
}

/** What a file was, besides its records. */
export interface FileShape {
  /** The members of the root object that are lists, also empty ones. */
  readonly lists: ReadonlySet<string>;
  /** The document is itself a list. */
  readonly rootIsList: boolean;
}

/**
 * Reads a file in pieces; the memory is that of its longest record and of what `onValue` keeps.
 * @throws UserError 'data' if the file cannot be read, is cut short, or is not JSON; what `onValue` throws
 */
export async function readRecords(
  file: string,
  onValue: OnValue,
  options: ReadOptions = {},
): Promise<FileShape> {
  const splitter = splitterFor(onValue, options);
  try {
    const pieces: AsyncIterable<Buffer> = createReadStream(file, {highWaterMark: PIECE_BYTES});
    for await (const piece of pieces) splitter.push(piece);
    splitter.end();
  } catch (error) {
    throw translated(error, file);
  }
  return splitter;
}

/** As `readRecords`, without returning to the event loop. */
export function readRecordsSync(file: string, onValue: OnValue, options: ReadOptions = {}): FileShape {
  const splitter = splitterFor(onValue, options);
  let handle: number | null = null;
  try {
    handle = openSync(file, 'r');
    const buffer = Buffer.alloc(PIECE_BYTES);
    for (let length = readSync(handle, buffer); length > 0; length = readSync(handle, buffer)) {
      splitter.push(buffer.subarray(0, length));
    }
    splitter.end();
  } catch (error) {
    throw translated(error, file);
  } finally {
    if (handle !== null) closeSync(handle);
  }
  return splitter;
}

function splitterFor(onValue: OnValue, {withoutPolygons = false}: ReadOptions): RecordSplitter {
  return new RecordSplitter((key, index, bytes) => {
    onValue(key, index, parseRecord(key, index, bytes, withoutPolygons));
  });
}

function parseRecord(key: string, index: number | null, bytes: Buffer, withoutPolygons: boolean): unknown {
  if (withoutPolygons) {
    try {
      return JSON.parse(textWithoutPolygons(bytes));
    } catch {
      // Whatever is wrong, or only unusual, shows in the whole text.
    }
  }
  const text = bytes.toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (isJson(text.replace(/-?\b(?:NaN|Infinity)\b/g, '0'))) return undefined;
    const place = index === null ? `"${key}"` : `${key}[${index}]`;
    throw new JsonError(`${place}: ${(error as Error).message}`, {cause: error});
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function translated(error: unknown, file: string): unknown {
  if (error instanceof JsonError) {
    const hint = 'It may be incomplete: download or write it again.';
    return new UserError('data', `${file}: is not JSON (${error.message}). ${hint}`, {cause: error});
  }
  const {code, message} = error as NodeJS.ErrnoException;
  if (code === undefined || code.startsWith('ERR_')) return error;
  return new UserError('data', `${file}: cannot be read (${message}). Correct the path.`, {cause: error});
}

/** Puts a document together again from its records, so that no text is ever longer than one of them. */
export class JsonDocument {
  readonly #lists = new Map<string, unknown[]>();
  readonly #values = new Map<string, unknown>();

  readonly add: OnValue = (key, index, value) => {
    if (value === undefined) throw new JsonError(`${key}[${index}]: NaN and Infinity are not JSON`);
    const list = this.#lists.get(key);
    if (index === null) this.#values.set(key, value);
    else if (list) list.push(value);
    else this.#lists.set(key, [value]);
  };

  /** The document, once its file has been read. */
  value({lists, rootIsList}: FileShape): unknown {
    if (rootIsList) return this.#lists.get('') ?? [];
    const members = [...lists].map((key): [string, unknown] => [key, this.#lists.get(key) ?? []]);
    return Object.fromEntries([...this.#values, ...members]);
  }
}
