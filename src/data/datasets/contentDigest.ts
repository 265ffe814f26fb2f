/** @file A dataset's content as one number: whether a run goes on with the people that it was begun with. */
import {createHash} from 'node:crypto';
import {basename} from 'node:path';
import type {Person} from '../types.js';
import type {TopDownDataset} from './topDown.js';

/** All numbers of a person. */
function numbersOf({imageId, annotationId, box, score, keypoints, headBox}: Person): number[] {
  return [imageId, annotationId ?? -1, ...box, score, ...(headBox ?? []), ...keypoints];
}

/**
 * The SHA-256 of the split's people in their order, in lower-case hexadecimal. Where the files lie plays no part, and
 * neither do the pixels of the images.
 */
export function contentDigest({people}: Pick<TopDownDataset, 'people'>): string {
  const hash = createHash('sha256');
  for (const person of people) {
    const numbers = numbersOf(person);
    hash.update(`${basename(person.imageFile)}\n${numbers.length}\n`);
    hash.update(Float64Array.from(numbers));
  }
  return hash.digest('hex');
}
