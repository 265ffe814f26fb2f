/** @file Writing files so that they survive a crash: short writes, full disks and power cuts included. */
import {createHash, randomBytes} from 'node:crypto';
import {type FileHandle, mkdir, open, rename, rm, stat, statfs} from 'node:fs/promises';
import {dirname} from 'node:path';
import {UserError} from '../errors.js';

/** Node refuses single writes above 2 GiB, and hashing a piece holds up the event loop: 16 MiB take about 10 ms. */
const PIECE_BYTES = 16 * 2 ** 20;

/** A file being written. */
export interface WritableFile {
  /** Appends `data` or only its beginning; resolves to the number of bytes written. */
  write(data: Uint8Array): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Every operation by which this room changes a disk; tests give one that fails. */
export interface FileOps {
  /** Fails if the file exists. */
  create(path: string): Promise<WritableFile>;
  /** With its parents; an existing folder is left as it is. */
  makeFolder(path: string): Promise<void>;
  /** Makes a folder's entries durable. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all it holds; nothing happens if it is missing. */
  remove(path: string): Promise<void>;
  /** A file's length in bytes. */
  size(path: string): Promise<number>;
  /** Bytes that this user may still write on the disk of `path`. */
  freeBytes(path: string): Promise<number>;
}

function writableFile(handle: FileHandle): WritableFile {
  return {
    write: async (data) => (await handle.write(data)).bytesWritten,
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function freeBytes(path: string): Promise<number> {
  const {bavail, bsize, blocks} = await statfs(path);
  // Some network file systems report no blocks at all.
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
}

/** The real disk. */
export const diskOps: FileOps = {
  create: async (path) => writableFile(await open(path, 'wx')),
  makeFolder: async (path) => void (await mkdir(path, {recursive: true})),
  syncFolder,
  rename,
  remove: (path) => rm(path, {recursive: true, force: true}),
  size: async (path) => (await stat(path)).size,
  freeBytes,
};

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space, or set "output" to another disk',
  EDQUOT: 'your quota on this disk is used up; free some space, or set "output" to another disk',
  EIO: 'the disk reported a failure; check the disk, or set "output" to another one',
  EROFS: 'the disk is mounted read-only; remount it, or set "output" to another disk',
  EACCES: 'no permission to write there; change the permissions, or set "output" to another folder',
  EPERM: 'writing there is not permitted; change the permissions, or set "output" to another folder',
  EFBIG: 'the file is larger than the limit allows; raise `ulimit -f`, or use a file system without it',
};

/** The code of an operating system's error (`ENOSPC`), or null for any other value. */
export function systemErrorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  // Node's own argument errors have codes too (ERR_…); those are bugs.
  return error.code.startsWith('ERR_') ? null : error.code;
}

/** A failed write as a UserError('storage') that names `path` and the remedy; a bug is returned as it is. */
export function storageError(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === null) return error;
  const advice = ADVICE[code] ?? (error as Error).message;
  return new UserError('storage', `${path}: could not be written (${code}): ${advice}.`, {cause: error});
}

/** What a finished file holds: its length, and its SHA-256 in lower-case hexadecimal. */
export interface FileDigest {
  readonly bytes: number;
  readonly sha256: string;
}

function* piecesOf(data: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < data.length; start += PIECE_BYTES) {
    yield data.subarray(start, start + PIECE_BYTES);
  }
}

async function writeFully(file: WritableFile, data: Uint8Array, path: string): Promise<void> {
  let stalled = false;
  for (let written = 0; written < data.length; ) {
    const count = await file.write(data.subarray(written));
    if (count === 0 && stalled) {
      throw new UserError(
        'storage',
        `${path}: the disk accepts no more bytes; free some space and try again.`,
      );
    }
    stalled = count === 0;
    written += count;
  }
}

/**
 * Writes a new file and flushes it to the disk; the folder's entry is the caller's to sync.
 * @returns the digest of what was given, computed on the way
 * @throws UserError('storage'); a part of the file may then remain
 */
export async function writeDurably(
  path: string,
  parts: Iterable<Uint8Array>,
  ops: FileOps = diskOps,
): Promise<FileDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  let file: WritableFile | null = null;
  try {
    file = await ops.create(path);
    for (const part of parts) {
      for (const piece of piecesOf(part)) {
        // The piece is hashed here while another thread writes it.
        await Promise.all([writeFully(file, piece, path), hash.update(piece)]);
        bytes += piece.length;
      }
    }
    // A failed flush loses its pages, and a second flush would report success: never tried again.
    await file.sync();
  } catch (error) {
    await file?.close().catch(() => {});
    throw storageError(error, path);
  }
  await file.close().catch((error: unknown) => Promise.reject(storageError(error, path)));
  return {bytes, sha256: hash.digest('hex')};
}

// One name per process: after a restart in a container, a dead process often had the same id.
const PROCESS_NONCE = randomBytes(4).toString('hex');
let temporaries = 0;

/** A name beside `path` that no other writer uses: `<path>.tmp-<pid>-<nonce>`. */
export function temporaryPath(path: string): string {
  temporaries += 1;
  return `${path}.tmp-${process.pid}-${PROCESS_NONCE}${temporaries}`;
}

/** The process that made a temporary's name, and whether it is this one; null for any other name. */
export function temporaryOwner(name: string): {pid: number; own: boolean} | null {
  const match = /\.tmp-(\d+)-([0-9a-f]{8})\d+$/.exec(name);
  if (match === null) return null;
  const pid = Number(match[1]);
  return {pid, own: pid === process.pid && match[2] === PROCESS_NONCE};
}

/**
 * Replaces a small file at once: readers see the old content or the new, whatever happens.
 * @throws UserError('storage'); the old file is then untouched
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  ops: FileOps = diskOps,
): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await writeDurably(temporary, [Buffer.from(data)], ops);
    await ops.rename(temporary, path);
    await ops.syncFolder(dirname(path));
  } catch (error) {
    await ops.remove(temporary).catch(() => {});
    throw storageError(error, path);
  }
}
