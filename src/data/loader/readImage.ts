/** @file The bytes of an image file. */
import {readFile} from 'node:fs/promises';
import {UserError} from '../../errors.js';

/** @throws UserError naming the file if it cannot be read */
export async function readImage(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const {message} = error as Error;
    throw new UserError('data', `${file}: the image cannot be read (${message}).`, {cause: error});
  }
}
