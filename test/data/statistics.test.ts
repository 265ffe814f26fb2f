import {describe, expect, it} from 'vitest';
import {
  boxOverlap,
  type CountedPerson,
  type Distribution,
  describePeople,
} from '../../src/data/statistics.js';
import type {Box} from '../../src/data/types.js';

const NAMES = ['a', 'b', 'c'];

function person(imageId: number, box: Box, ...keypoints: [number, number, number][]): CountedPerson {
  return {imageId, box, keypoints: keypoints.flat()};
}

const alone = person(1, [0, 0, 30, 30], [5, 5, 2], [10, 10, 1], [0, 0, 0]);
// Each holds one keypoint of the other and two of its own; the boxes share 50 × 100 of 150 × 100 pixels.
const left = person(2, [0, 0, 100, 100], [10, 10, 2], [60, 60, 2], [0, 0, 0]);
const right = person(2, [50, 0, 100, 100], [90, 50, 2], [120, 50, 2], [0, 0, 0]);
const stats = describePeople([alone, left, right], [1, 2, 3], NAMES);

/** Counts by the start of their bins, but for empty ones. */
function counts({bins}: Distribution): Record<string, number> {
  return Object.fromEntries(bins.filter(({count}) => count > 0).map(({from, count}) => [from, count]));
}

describe('statistics of people', () => {
  it('count images with their people, also those without', () => {
    expect([stats.images, stats.people]).toEqual([3, 3]);
    expect(counts(stats.peoplePerImage)).toEqual({0: 1, 1: 1, 2: 1});
    expect(stats.peoplePerImage.mean).toBe(1);
  });

  it('sort boxes by COCO’s areas and give their sizes and shapes', () => {
    expect(stats.sizes).toEqual({small: 1, medium: 0, large: 2});
    expect(counts(stats.boxSide)).toEqual({24: 1, 96: 2});
    const wide = describePeople([person(1, [0, 0, 90, 60]), person(1, [0, 0, 96, 96])], [1], []);
    expect(wide.sizes).toEqual({small: 0, medium: 1, large: 1});
    expect(counts(wide.aspectRatio)).toEqual({1: 1, 1.5: 1});
  });

  it('count keypoints by visibility and people by labelled keypoints', () => {
    expect(stats.visibility).toEqual([
      {name: 'a', unlabelled: 0, hidden: 0, visible: 3},
      {name: 'b', unlabelled: 0, hidden: 1, visible: 2},
      {name: 'c', unlabelled: 3, hidden: 0, visible: 0},
    ]);
    expect(counts(stats.labelledKeypoints)).toEqual({2: 3});
  });

  it('measure crowding by the overlap of boxes and by CrowdPose’s index', () => {
    expect(counts(stats.greatestOverlap)).toEqual({0: 1, 0.3: 2});
    expect(stats.greatestOverlap.mean).toBeCloseTo((0 + 1 / 3 + 1 / 3) / 3, 12);
    // Of the image without people there is no index; of the crowded one it is one foreign keypoint to two.
    expect(counts(stats.crowdIndex)).toEqual({0: 1, 0.5: 1});
    expect(stats.crowdIndex.mean).toBeCloseTo(0.25, 12);
  });

  it('give quantiles as NumPy does, between two values in proportion', () => {
    const groups = [1, 2, 3, 4, 10].flatMap((size, image) =>
      Array.from({length: size}, () => person(image, [0, 0, 10, 10])),
    );
    const {quantiles} = describePeople(groups, [0, 1, 2, 3, 4], []).peoplePerImage;
    // numpy.quantile([1, 2, 3, 4, 10], [.05, .25, .5, .75, .95])
    [1.2, 2, 3, 4, 8.8].forEach((value, i) => {
      expect(quantiles[i]).toBeCloseTo(value, 12);
    });
  });

  it('put what is beyond the last edge into a last bin that is open', () => {
    const crowd = Array.from({length: 25}, () => person(1, [0, 0, 9, 3]));
    const {peoplePerImage, aspectRatio} = describePeople(crowd, [1], []);
    expect(peoplePerImage.bins.at(-1)).toEqual({from: 20, to: null, count: 1});
    expect(aspectRatio.bins.at(-1)).toEqual({from: 2, to: null, count: 25});
  });

  it('of nobody are zero, not NaN', () => {
    const none = describePeople([], [], NAMES);
    expect(none.boxSide).toEqual({mean: 0, quantiles: [0, 0, 0, 0, 0], bins: []});
    expect(none.visibility[0]).toEqual({name: 'a', unlabelled: 0, hidden: 0, visible: 0});
  });
});

describe('boxOverlap', () => {
  it('is intersection over union', () => {
    expect(boxOverlap([0, 0, 2, 2], [1, 1, 2, 2])).toBeCloseTo(1 / 7, 15);
    expect(boxOverlap([0, 0, 2, 2], [0, 0, 2, 2])).toBe(1);
    expect(boxOverlap([0, 0, 2, 2], [2, 0, 2, 2])).toBe(0);
    expect(boxOverlap([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0);
  });
});
