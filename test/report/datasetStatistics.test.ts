import sharp from 'sharp';
import {describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import {type CountedPerson, describePeople} from '../../src/data/statistics.js';
import {statisticsPicture, statisticsText} from '../../src/report/datasetStatistics.js';

function statistics(set: string) {
  const {names} = loadKeypointSet(set);
  const person = (imageId: number, visibility: number): CountedPerson => ({
    imageId,
    box: [0, 0, 40, 100],
    keypoints: names.flatMap((_, k) => [k % 40, k % 100, k === 0 ? 0 : visibility]),
  });
  return describePeople([person(1, 2), person(1, 2), person(2, 1), person(2, 2)], [1, 2], names);
}

describe('the text of statistics', () => {
  const text = statisticsText(statistics('coco17'));

  it('has a line for each keypoint, with counts and shares', () => {
    const line = (name: string) =>
      text
        .split('\n')
        .find((row) => row.startsWith(name))!
        .split(/\s{2,}/);
    expect(line('nose')).toEqual(['nose', '0', '0.0 %', '0', '0.0 %', '4', '100.0 %']);
    expect(line('left_eye')).toEqual(['left_eye', '3', '75.0 %', '1', '25.0 %', '0', '0.0 %']);
    expect(line('medium')).toEqual(['medium', '4', '100.0 %']);
    expect(line('people per image')).toEqual(['people per image', '2', '2', '2', '2', '2', '2']);
  });

  it('of nobody is a table of dashes', () => {
    const nobody = statisticsText(describePeople([], [], ['nose']));
    expect(nobody).toContain('0 images, 0 people');
    expect(nobody).not.toContain('NaN');
  });
});

describe('the picture of statistics', () => {
  it.each(['coco17', 'wholebody133'])('is an image that can be read, for %s', async (set) => {
    const svg = statisticsPicture(statistics(set), 'a & b');
    expect(svg).toContain('a &amp; b: 2 images, 4 people');
    const {width, height} = await sharp(Buffer.from(svg)).metadata();
    expect([width, height]).toEqual([1440, 958]);
    // Names have room for a few keypoints, numbers for many.
    expect(svg.includes('>left_eye<')).toBe(set === 'coco17');
  });
});
