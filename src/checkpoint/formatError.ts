/** @file A file's content that breaks its format: thrown by the parsers, which know no path, and named by the readers. */
import {UserError} from '../errors.js';

/** What is wrong with some bytes; `withFileName` turns it into a UserError that names the file. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/** A name from a file, as error messages show it: quoted, and cut where it is absurdly long. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

/** Runs `read`; a FormatError that it throws becomes a UserError('checkpoint') beginning with `path`. */
export async function withFileName<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UserError('checkpoint', `${path}: ${error.message}.`, {cause: error});
  }
}
