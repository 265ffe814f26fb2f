import {describe, expect, it} from 'vitest';
import type {RgbImage} from '../../src/data/transforms/warp.js';
import {closeUp} from '../../src/report/closeUp.js';

/** 40 × 30 pixels; each has its column and its row for red and green. */
const picture: RgbImage = {
  data: Uint8Array.from(
    {length: 40 * 30 * 3},
    (_, i) => [Math.floor(i / 3) % 40, Math.floor(i / 120), 0][i % 3],
  ),
  width: 40,
  height: 30,
};

describe('closeUp', () => {
  it('enlarges what lies about the box, and says where keypoints come to lie', async () => {
    const {image, place} = await closeUp(picture, [10, 10, 10, 5], 0.2, 140);
    expect([image.width, image.height]).toEqual([140, 90]);
    expect(place([8, 8, 2, 22, 17, 1])).toEqual([0, 0, 2, 140, 90, 1]);
    // The middle of the part is the middle of columns 8 to 22.
    const red = image.data[3 * (45 * 140 + 70)];
    expect(Math.abs(red - 14.5)).toBeLessThanOrEqual(1);
  });

  it('ends at the picture’s edge', async () => {
    const {image, place} = await closeUp(picture, [30, 20, 100, 100], 1, 60);
    expect([image.width, image.height]).toEqual([60, 45]);
    expect(place([20, 15, 0])).toEqual([30, 22.5, 0]);
  });

  it('of a box outside the picture is the nearest pixel', async () => {
    const {image} = await closeUp(picture, [100, 100, 5, 5], 0, 20);
    expect([image.width, image.height]).toEqual([20, 20]);
    expect([...image.data.subarray(0, 2)]).toEqual([39, 29]);
  });
});
