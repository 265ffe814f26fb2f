/** @file The warp against a slow plain version, and HRNet's flip of the whole image. */
import {describe, expect, it} from 'vitest';
import {type Affine, invertAffine, regionToRaster} from '../../../src/data/transforms/affine.js';
import {type RgbImage, warpNormalised} from '../../../src/data/transforms/warp.js';
import {stream} from '../../../src/random.js';

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

function noise(width: number, height: number): RgbImage {
  const random = stream(1, 'noise');
  return {width, height, data: Uint8Array.from({length: width * height * 3}, () => random.integer(256))};
}

/** Bilinear sampling pixel by pixel with a check at every neighbour. */
function plainWarp(
  {data, width, height}: RgbImage,
  [a, b, c, d, e, f]: Affine,
  [rows, columns]: [number, number],
) {
  const pixel = (x: number, y: number, channel: number) =>
    x >= 0 && y >= 0 && x < width && y < height ? data[3 * (y * width + x) + channel] : 0;
  return Array.from({length: rows * columns * 3}, (_, i) => {
    const channel = i % 3;
    const column = Math.floor(i / 3) % columns;
    const row = Math.floor(i / 3 / columns);
    const [x, y] = [a * column + b * row + c, d * column + e * row + f];
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - left, y - top];
    const value =
      (1 - fy) * ((1 - fx) * pixel(left, top, channel) + fx * pixel(left + 1, top, channel)) +
      fy * ((1 - fx) * pixel(left, top + 1, channel) + fx * pixel(left + 1, top + 1, channel));
    return (value / 255 - MEAN[channel]) / DEVIATION[channel];
  });
}

function warp(image: RgbImage, toImage: Affine, size: [number, number]): Float32Array {
  const output = new Float32Array(size[0] * size[1] * 3);
  warpNormalised(image, toImage, size, output);
  return output;
}

function greatestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

describe('warpNormalised', () => {
  const image = noise(37, 29);

  it.each<[string, Affine]>([
    ['as it is', [1, 0, 0, 0, 1, 0]],
    ['turned and enlarged', [0.4, 0.3, 5, -0.3, 0.4, 12]],
    ['reduced, with all borders in view', [1.9, -0.8, -8, 0.8, 1.9, -11]],
    ['mirrored', [-1, 0, 36, 0, 1, 0]],
    ['between the last pixels', [1, 0, 0.5, 0, 1, -0.5]],
    ['out of sight', [1, 0, 500, 0, 1, 500]],
  ])('agrees with the plain version: %s', (_, toImage) => {
    const size: [number, number] = [24, 32];
    expect(greatestDifference(warp(image, toImage, size), plainWarp(image, toImage, size))).toBeLessThan(
      2e-6,
    );
  });

  it('keeps a pixel’s exact value: (value / 255 − mean) / deviation', () => {
    const one: RgbImage = {width: 1, height: 1, data: Uint8Array.of(255, 128, 0)};
    const expected = [(1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, -0.406 / 0.225];
    expect(greatestDifference(warp(one, [1, 0, 0, 0, 1, 0], [1, 1]), expected)).toBeLessThan(1e-6);
  });

  it('shows through a flipped region what HRNet shows of the mirrored image', () => {
    const mirrored: RgbImage = {
      ...image,
      data: Uint8Array.from(image.data, (_, i) => {
        const [x, row] = [Math.floor(i / 3) % 37, Math.floor(i / 3 / 37)];
        return image.data[3 * (row * 37 + 36 - x) + (i % 3)];
      }),
    };
    const size: [number, number] = [32, 24];
    const region = {center: [14, 11], size: [30, 40], rotation: 25} as const;
    const mirroredRegion = {...region, center: [36 - 14, 11], rotation: -25} as const;
    const ours = warp(image, invertAffine(regionToRaster(region, size, 'plain', true)), size);
    const hrnet = warp(mirrored, invertAffine(regionToRaster(mirroredRegion, size, 'plain')), size);
    expect(greatestDifference(ours, hrnet)).toBeLessThan(1e-5);
  });

  it('writes only its own part of a batch', () => {
    const output = new Float32Array(3 * 12).fill(7);
    warpNormalised(image, [1, 0, 0, 0, 1, 0], [2, 2], output, 12);
    expect(output.slice(0, 12).every((value) => value === 7)).toBe(true);
    expect(output.slice(24).every((value) => value === 7)).toBe(true);
    expect(Array.from(output.slice(12, 24))).toEqual(Array.from(warp(image, [1, 0, 0, 0, 1, 0], [2, 2])));
  });
});
