/** @file Who overlaps whom. */
import {describe, expect, it} from 'vitest';
import type {CocoAnnotation} from '../../src/cocoapi/index.js';
import {overlappingPeople, personUnder} from '../../src/metrics/overlap.js';

const person = (id: number, x: number, width = 10, image = 1): CocoAnnotation => ({
  ...{id, image_id: image, category_id: 1, bbox: [x, 0, width, 10], area: 10 * width},
});

describe('people who overlap', () => {
  // Moved by 5 of 10, boxes share 50 of 150; moved by 8, 20 of 180.
  const people = [person(1, 0), person(2, 5), person(3, 13), person(4, 40), person(5, 0, 10, 2)];

  it.each([
    [0.4, []],
    [0.33, [1, 2]],
    [0.11, [1, 2, 3]],
    [0.01, [1, 2, 3]],
  ])('by an IoU of %f are %j', (iou, expected) => {
    expect([...overlappingPeople(people, iou)]).toEqual(expected);
  });

  it('are no crowds, and do not overlap with them', () => {
    expect([...overlappingPeople([person(1, 0), {...person(2, 1), iscrowd: 1}], 0.1)]).toEqual([]);
  });
});

it('a detected box is of the person whom it lies on most', () => {
  const people = [person(1, 0), {...person(2, 4), iscrowd: 1 as const}, person(3, 6)];
  expect(personUnder([4, 0, 10, 10], people)?.id).toBe(3);
  expect(personUnder([100, 0, 10, 10], people)).toBeNull();
});
