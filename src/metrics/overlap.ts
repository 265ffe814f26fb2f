/** @file Who overlaps whom: the people of an image whose boxes lie over each other. */
import {iou} from '../cocoapi/similarity.js';
import type {CocoAnnotation} from '../cocoapi/types.js';
import {groupBy} from '../grouping.js';

/**
 * The people whose box has at least this intersection over union with that of another person of the image. Crowds are
 * nobody.
 */
export function overlappingPeople(
  annotations: readonly CocoAnnotation[],
  leastIou: number,
): ReadonlySet<number> {
  const people = annotations.filter(({iscrowd}) => !iscrowd);
  const images = groupBy(people, ({image_id}) => image_id);
  return new Set(
    [...images.values()].flatMap((people) =>
      people
        .filter((person) => people.some((other) => other !== person && iou(person, other) >= leastIou))
        .map(({id}) => id),
    ),
  );
}

/** The annotated person whose box a detected one lies on most; null if it lies on none. */
export function personUnder(
  box: CocoAnnotation['bbox'],
  people: readonly CocoAnnotation[],
): CocoAnnotation | null {
  let best: CocoAnnotation | null = null;
  let greatest = 0;
  for (const person of people) {
    const value = person.iscrowd ? 0 : iou({...person, bbox: box}, person);
    if (value > greatest) [best, greatest] = [person, value];
  }
  return best;
}
