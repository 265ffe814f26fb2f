/** @file Which images of an annotation file a split uses, and where they are. */
import {join} from 'node:path';
import type {AnnotationContent, ImageRecord} from './content.js';
import {missingFiles} from './imageFolder.js';
import type {Findings} from './rules.js';

/** An image of the split and where it is. */
export interface StoredImage extends ImageRecord {
  readonly file: string;
}

export interface ImageChoice {
  /** The folder that holds them. */
  readonly folder: string;
  /** Take only the first so many. */
  readonly limit: number | null;
  /** `skip`: images that are missing are no fault. */
  readonly onMissing: 'error' | 'skip';
}

/** The images by id, in the file's order; missing ones are findings. */
export async function splitImages(
  {images}: AnnotationContent,
  {folder, limit, onMissing}: ImageChoice,
  findings: Findings,
): Promise<Map<number, StoredImage>> {
  const wanted = images.slice(0, limit ?? images.length);
  const names = wanted.map(({name}) => name);
  const missing = new Set(await missingFiles(folder, names));
  const rule = onMissing === 'skip' ? 'imageSkipped' : 'imageMissing';
  for (const name of names) if (missing.has(name)) findings.add(rule, name, `not in ${folder}`);
  const present = wanted.filter(({name}) => !missing.has(name));
  return new Map(present.map((image) => [image.id, {...image, file: join(folder, image.name)}]));
}
