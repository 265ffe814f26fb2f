/** @file Which of the images that an annotation file lists are there, in a folder or in a zip archive. */
import {readdir} from 'node:fs/promises';
import {dirname, join, posix} from 'node:path';
import {UserError} from '../../errors.js';
import {type ArchivePath, archivePath, openArchive} from '../images/imageBytes.js';

/**
 * The names of `names` that are missing below `folder`, which may be an archive or lie in one.
 * @throws UserError if `folder` itself is missing
 */
export async function missingFiles(folder: string, names: readonly string[]): Promise<string[]> {
  const place = archivePath(folder);
  return place ? missingEntries(place, names) : missingBelow(folder, names);
}

async function missingEntries({archive, inside}: ArchivePath, names: readonly string[]): Promise<string[]> {
  const opened = await openArchive(archive);
  return names.filter((name) => !opened.has(posix.join(inside, name)));
}

/** Reads each folder once: a call for each of a hundred thousand files takes minutes on a network drive. */
async function missingBelow(folder: string, names: readonly string[]): Promise<string[]> {
  const present = new Map<string, ReadonlySet<string>>();
  present.set('.', await filesIn(folder, true));
  for (const parent of new Set(names.map((name) => dirname(name)))) {
    if (!present.has(parent)) present.set(parent, await filesIn(join(folder, parent), false));
  }
  return names.filter((name) => {
    const parent = dirname(name);
    const base = parent === '.' ? name : name.slice(parent.length + 1);
    return !present.get(parent)?.has(base);
  });
}

async function filesIn(folder: string, required: boolean): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(folder));
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return new Set();
    throw new UserError('data', `${folder}: the folder of images cannot be read (${message}).`, {
      cause: error,
    });
  }
}
