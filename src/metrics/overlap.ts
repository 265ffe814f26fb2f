/** @file Who overlaps whom: the people of an image whose boxes lie over each other. */
import {iou} from '../cocoapi/similarity.js';
import type {CocoAnnotation} from '../cocoapi/types.js';

function byImage(people: readonly CocoAnnotation[]): CocoAnnotation[][] {
  const images = new Map<number, CocoAnnotation[]>();
  for (const person of people) {
    const others = images.get(person.image_id);
    if (others) others.push(person);
    else images.set(person.image_id, [person]);
  }
  return [...images.values()];
}

/**
 * The people whose box has at least this intersection over union with that of another person of the image. Crowds are
 * nobody.
 */
export function overlappingPeople(
  annotations: readonly CocoAnnotation[],
  leastIou: number,
): ReadonlySet<number> {
  const images = byImage(annotations.filter(({iscrowd}) => !iscrowd));
  return new Set(
    images.flatMap((people) =>
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
