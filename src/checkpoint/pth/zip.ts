/**
 * @file The zip archives that PyTorch writes: stored entries only, so that no archive can unfold into more than its own
 * size.
 */
import {crc32} from 'node:zlib';
import {FormatError, quoted} from '../formatError.js';
import type {InputFile} from '../inputFile.js';
import {readPacked, readZipDirectory, requireChecksum, type ZipDirectory} from '../zipDirectory.js';

/** An archive whose directory has been checked; entries are read one by one. */
export class ZipArchive {
  private constructor(
    private readonly file: InputFile,
    private readonly directory: ZipDirectory,
  ) {}

  /** @throws FormatError for a damaged or suspicious archive */
  static async open(file: InputFile): Promise<ZipArchive> {
    const directory = await readZipDirectory(file);
    for (const {name, method} of directory.entries.values()) {
      if (method === 0) continue;
      throw new FormatError(`is refused: its entry ${quoted(name)} is compressed, which PyTorch never does`);
    }
    return new ZipArchive(file, directory);
  }

  get names(): string[] {
    return [...this.directory.entries.keys()];
  }

  /** An entry's length in bytes, or null if there is no such entry. */
  sizeOf(name: string): number | null {
    return this.directory.entries.get(name)?.size ?? null;
  }

  /**
   * An entry's content.
   * @throws FormatError if it is missing, or if its checksum is wrong
   */
  async read(name: string): Promise<ArrayBuffer> {
    const entry = this.directory.entries.get(name);
    if (entry === undefined) throw new FormatError(`lacks the entry ${quoted(name)}`);
    let sum = 0;
    const content = await readPacked(this.file, entry, this.directory.start, (piece) => {
      sum = crc32(piece, sum);
    });
    requireChecksum(entry, sum);
    return content;
  }
}
