/**
 * @file The bytes of image files, which lie in folders or in zip archives: `photos.zip/train/1.jpg` is the entry `train/1.jpg`
 * of the archive `photos.zip`.
 */
import {statSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {sep} from 'node:path';
import {UserError} from '../../errors.js';
import {ImageArchive} from './archive.js';

/** An archive, and the part of a path that lies within it; with `/` on every system, '' for the archive itself. */
export interface ArchivePath {
  readonly archive: string;
  readonly inside: string;
}

const knownFiles = new Set<string>();
/** Opened once in each thread, and kept open as long as it runs. */
const archives = new Map<string, Promise<ImageArchive>>();

/** Where a path enters an archive, or null if it does not. */
export function archivePath(path: string): ArchivePath | null {
  for (const match of path.matchAll(/\.zip(?=[/\\]|$)/gi)) {
    const archive = path.slice(0, match.index + match[0].length);
    if (isFile(archive))
      return {
        archive,
        inside: path
          .slice(archive.length + 1)
          .split(sep)
          .join('/'),
      };
  }
  return null;
}

/** A folder may be called so too. */
function isFile(path: string): boolean {
  if (!knownFiles.has(path) && statSync(path, {throwIfNoEntry: false})?.isFile()) knownFiles.add(path);
  return knownFiles.has(path);
}

/** @throws UserError 'data' if the archive cannot be read or is damaged */
export function openArchive(archive: string): Promise<ImageArchive> {
  let opened = archives.get(archive);
  if (!opened) {
    opened = ImageArchive.open(archive);
    archives.set(archive, opened);
    // One that could not be opened may be mended meanwhile.
    opened.catch(() => archives.delete(archive));
  }
  return opened;
}

/**
 * The content of an image file, as it is stored.
 * @throws UserError 'data' that names the file if it cannot be read
 */
export async function readImageBytes(imageFile: string): Promise<Buffer> {
  const place = archivePath(imageFile);
  if (place) return (await openArchive(place.archive)).read(place.inside);
  return readFile(imageFile).catch((error: Error) => {
    throw new UserError('data', `${imageFile}: the image cannot be read (${error.message}).`, {cause: error});
  });
}
