/** @file Images in a zip archive: stored or deflated entries, read one by one, their checksums checked. */
import {type FileHandle, open} from 'node:fs/promises';
import {promisify} from 'node:util';
import {crc32, inflateRaw} from 'node:zlib';
import {FormatError, quoted} from '../../checkpoint/formatError.js';
import {InputFile} from '../../checkpoint/inputFile.js';
import {
  readPacked,
  readZipDirectory,
  requireChecksum,
  type ZipDirectory,
  type ZipEntry,
} from '../../checkpoint/zipDirectory.js';
import {UserError} from '../../errors.js';

const inflate = promisify(inflateRaw);
/** No image file is as long: an entry that claims more is a trap. */
const LARGEST_ENTRY = 2 ** 29;
const STORED = 0;
const DEFLATED = 8;

export class ImageArchive {
  private constructor(
    private readonly path: string,
    private readonly file: InputFile,
    private readonly directory: ZipDirectory,
  ) {}

  /** @throws UserError 'data' if it cannot be read, is damaged, or is suspicious */
  static async open(path: string): Promise<ImageArchive> {
    let handle: FileHandle | null = null;
    try {
      handle = await open(path, 'r');
      const file = new InputFile(handle, (await handle.stat()).size);
      return new ImageArchive(path, file, await readZipDirectory(file));
    } catch (error) {
      await handle?.close();
      throw problem(path, error);
    }
  }

  has(name: string): boolean {
    return this.directory.entries.has(name);
  }

  /** @throws UserError 'data' that names the archive and the entry if it is missing or damaged */
  async read(name: string): Promise<Buffer> {
    try {
      const entry = this.directory.entries.get(name);
      if (entry === undefined) throw new FormatError(`lacks the entry ${quoted(name)}`);
      const bytes = await this.#content(entry);
      requireChecksum(entry, crc32(bytes));
      return bytes;
    } catch (error) {
      throw problem(this.path, error);
    }
  }

  async #content(entry: ZipEntry): Promise<Buffer> {
    const {name, method, size, packed} = entry;
    if (Math.max(size, packed) > LARGEST_ENTRY) {
      throw new FormatError(`is refused: its entry ${quoted(name)} has ${size} bytes, too many for an image`);
    }
    if (method !== STORED && method !== DEFLATED) {
      throw new FormatError(
        `has the entry ${quoted(name)} packed by method ${method}; pack it anew, stored or deflated`,
      );
    }
    const bytes = Buffer.from(await readPacked(this.file, entry, this.directory.start));
    if (method === STORED) return bytes;
    // Never more than the directory promises, whatever the bytes unfold to.
    const content = await inflate(bytes, {maxOutputLength: Math.max(1, size)}).catch((error: Error) => {
      throw new FormatError(`is damaged: the entry ${quoted(name)} cannot be unpacked (${error.message})`);
    });
    if (content.length !== size) throw new FormatError(`is damaged: the entry ${quoted(name)} is cut short`);
    return content;
  }
}

function problem(path: string, error: unknown): unknown {
  if (error instanceof UserError) return error;
  if (error instanceof FormatError)
    return new UserError('data', `${path}: ${error.message}.`, {cause: error});
  const {code, message} = error as NodeJS.ErrnoException;
  if (code === undefined || code.startsWith('ERR_')) return error;
  return new UserError('data', `${path}: the archive cannot be read (${message}).`, {cause: error});
}
