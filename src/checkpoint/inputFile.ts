/** @file Reading files of any size in pieces, with errors that name the file. */
import {constants} from 'node:buffer';
import {type FileHandle, open, stat} from 'node:fs/promises';
import {UserError} from '../errors.js';
import {systemErrorCode} from './files.js';
import {FormatError, withFileName} from './formatError.js';

/** Node aborts the whole process on a read above 2 GiB. */
const PIECE_BYTES = 64 * 2 ** 20;

function readError(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UserError('usage', `${path}: there is no such file; check the path.`, {cause: error});
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UserError('usage', `${path}: no permission to read it; change its permissions.`, {
      cause: error,
    });
  }
  if (code === null) return error;
  const reason = (error as Error).message;
  return new UserError('storage', `${path}: could not be read: ${reason}. Check the disk.`, {cause: error});
}

/** A regular file, open for reading. */
export class InputFile {
  constructor(
    private readonly handle: FileHandle,
    readonly size: number,
  ) {}

  /**
   * The bytes [position, position + length) as a buffer of their own.
   * @param onPiece sees them in order, as they arrive
   * @throws FormatError if they are beyond the file's end; nothing is allocated then
   */
  async read(position: number, length: number, onPiece?: (piece: Uint8Array) => void): Promise<ArrayBuffer> {
    if (position + length > this.size) {
      throw new FormatError(
        `ends early: it has ${this.size} bytes, and ${length} are expected from byte ${position} on`,
      );
    }
    if (length > constants.MAX_LENGTH) {
      throw new FormatError(
        `has a part of ${length} bytes; Node holds at most ${constants.MAX_LENGTH} in one array`,
      );
    }
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const wanted = Math.min(PIECE_BYTES, length - filled);
      const {bytesRead} = await this.handle.read(bytes, filled, wanted, position + filled);
      if (bytesRead === 0) throw new FormatError('became shorter while it was read');
      onPiece?.(bytes.subarray(filled, filled + bytesRead));
      filled += bytesRead;
    }
    return bytes.buffer;
  }

  /** All bytes in order, in pieces that share one small buffer. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(Math.min(2 ** 22, Math.max(this.size, 1)));
    for (let position = 0; position < this.size; ) {
      const {bytesRead} = await this.handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw new FormatError('became shorter while it was read');
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  }
}

/**
 * Opens `path` for the time that `use` takes.
 * @throws UserError 'usage' if it is missing, unreadable or no regular file; 'checkpoint' if `use` throws a FormatError
 */
export async function withInputFile<T>(path: string, use: (file: InputFile) => Promise<T>): Promise<T> {
  let handle: FileHandle | null = null;
  try {
    // Before opening: to open a pipe would wait for a writer.
    const stats = await stat(path);
    if (!stats.isFile()) throw new UserError('usage', `${path}: is not a regular file; give a file.`);
    handle = await open(path, 'r');
    const file = new InputFile(handle, stats.size);
    return await withFileName(path, () => use(file));
  } catch (error) {
    throw readError(error, path);
  } finally {
    await handle?.close();
  }
}
