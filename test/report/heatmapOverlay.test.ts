import sharp from 'sharp';
import {describe, expect, it} from 'vitest';
import {heatmapOverlay} from '../../src/report/heatmapOverlay.js';

const WIDTH = 48;
const HEIGHT = 64;
const crop = {data: new Uint8Array(WIDTH * HEIGHT * 3).fill(100), width: WIDTH, height: HEIGHT};

/** The overlay of heatmaps [16, 12, 3] with the given (row, column, keypoint, value) entries. */
async function overlayOf(entries: [number, number, number, number][]) {
  const heatmaps = new Float32Array(16 * 12 * 3);
  for (const [row, column, keypoint, value] of entries) heatmaps[(row * 12 + column) * 3 + keypoint] = value;
  const {data, info} = await sharp(await heatmapOverlay(crop, heatmaps, [16, 12, 3]))
    .raw()
    .toBuffer({resolveWithObject: true});
  expect([info.width, info.height]).toEqual([WIDTH, HEIGHT]);
  return (x: number, y: number) => [...data.subarray((y * WIDTH + x) * 3, (y * WIDTH + x) * 3 + 3)];
}

describe('a heatmap overlay', () => {
  it('is bright at the peak, and shows the darkened crop elsewhere', async () => {
    // Cell (row 4, column 3) covers the pixels from (12, 16) to (15, 19) of the crop.
    const at = await overlayOf([[4, 3, 0, 1]]);
    expect(Math.max(...at(13, 17))).toBeGreaterThan(130);
    for (const channel of at(40, 50)) expect(Math.abs(channel - 60)).toBeLessThan(8);
  });

  it('gives keypoints different hues', async () => {
    const at = await overlayOf([
      [4, 3, 0, 1],
      [12, 9, 1, 1],
    ]);
    const strongest = (color: number[]) => color.indexOf(Math.max(...color));
    expect(strongest(at(13, 17))).toBe(0);
    expect(strongest(at(37, 49))).toBe(1);
  });

  it('clips values above one, and ignores negative ones and NaN', async () => {
    const at = await overlayOf([
      [4, 3, 0, 50],
      [12, 9, 1, -3],
      [12, 3, 2, Number.NaN],
    ]);
    expect(Math.max(...at(13, 17))).toBeGreaterThan(130);
    expect(Math.max(...at(37, 49), ...at(13, 49))).toBeLessThan(70);
  });
});
