/** @file The image files that a prediction is asked for: single files, and folders of images or of a video's frames. */
import {readdir, stat} from 'node:fs/promises';
import {extname, join} from 'node:path';
import {archivePath} from '../../data/images/imageBytes.js';
import {UserError} from '../../errors.js';

/** What counts as an image in a folder; a file that is named itself may be called anything. */
const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif'];

/** `frame2` before `frame10`. */
const natural = new Intl.Collator('en', {numeric: true});

/**
 * The images among files and folders, each folder's in natural order; what lies in folders below is not looked at.
 * @throws UserError 'data' if a path is missing, or a folder has no image
 */
export async function listImages(paths: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(paths.map(imagesOf));
  return lists.flat();
}

async function imagesOf(path: string): Promise<string[]> {
  if (archivePath(path)) return [path];
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => EXTENSIONS.includes(extname(name).toLowerCase()));
    if (names.length > 0) return names.sort(natural.compare).map((name) => join(path, name));
  } catch (error) {
    throw new UserError('data', `${path}: cannot be read (${(error as Error).message}). Correct the path.`, {
      cause: error,
    });
  }
  throw new UserError('data', `${path}: the folder has no image (${EXTENSIONS.join(', ')}).`);
}
