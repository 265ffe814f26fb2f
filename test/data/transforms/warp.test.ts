/** @file The warp against a slow plain version in float64, and HRNet's flip of the whole image. */
import {describe, expect, it} from 'vitest';
import {type Affine, invertAffine, regionToRaster} from '../../../src/data/transforms/affine.js';
import {type RgbImage, warp} from '../../../src/data/transforms/warp.js';
import {stream} from '../../../src/random.js';

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
    return (
      (1 - fy) * ((1 - fx) * pixel(left, top, channel) + fx * pixel(left + 1, top, channel)) +
      fy * ((1 - fx) * pixel(left, top + 1, channel) + fx * pixel(left + 1, top + 1, channel))
    );
  });
}

function warped(image: RgbImage, toImage: Affine, size: [number, number]): Uint8Array {
  const output = new Uint8Array(size[0] * size[1] * 3).fill(99);
  warp(image, toImage, size, output);
  return output;
}

function differences(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  return Array.from(a, (value, i) => Math.abs(value - b[i]));
}

const share = (values: boolean[]) => values.filter(Boolean).length / values.length;

describe('warp', () => {
  const image = noise(37, 29);

  it.each<[string, Affine]>([
    ['as it is', [1, 0, 0, 0, 1, 0]],
    ['turned and enlarged', [0.4, 0.3, 5, -0.3, 0.4, 12]],
    ['reduced, with all borders in view', [1.9, -0.8, -8, 0.8, 1.9, -11]],
    ['mirrored', [-1, 0, 36, 0, 1, 0]],
    ['turned upside down', [-1, 0, 36, 0, -1, 28]],
    ['turned by a right angle', [0, 1, 0, -1, 0, 28]],
    ['between the last pixels', [1, 0, 0.5, 0, 1, -0.5]],
    ['along the border', [0.3, 0, 35.999, 0, 0.3, -0.001]],
    ['out of sight', [1, 0, 500, 0, 1, 500]],
  ])(
    'agrees with the plain version even on noise, where every pixel differs from the next: %s',
    (_, toImage) => {
      const size: [number, number] = [48, 64];
      const off = differences(warped(image, toImage, size), plainWarp(image, toImage, size));
      expect(share(off.map((levels) => levels <= 1))).toBeGreaterThanOrEqual(0.995);
      expect(Math.max(...off)).toBeLessThan(2);
    },
  );

  it('is within one level of the plain version on what is as smooth as a photograph', () => {
    const data = Uint8Array.from({length: 300 * 200 * 3}, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 300, Math.floor(i / 900)];
      return 128 + 100 * Math.sin(x / 5) * Math.cos(y / 7 + (i % 3));
    });
    const smooth = {width: 300, height: 200, data};
    const toImage: Affine = [0.9, 0.35, 12, -0.35, 0.9, 40];
    const size: [number, number] = [128, 96];
    const off = differences(warped(smooth, toImage, size), plainWarp(smooth, toImage, size));
    expect(Math.max(...off)).toBeLessThan(0.75);
  });

  it.each([
    [1, 1],
    [1, 60000],
    [60000, 1],
  ])('copies an image of %i by %i pixels as it is', (width, height) => {
    const one = noise(width, height);
    const [rows, columns] = [Math.min(height, 50), Math.min(width, 50)];
    const start: Affine = [1, 0, width - columns, 0, 1, height - rows];
    expect(warped(one, start, [rows, columns])).toEqual(one.data.slice(-3 * rows * columns));
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
    const ours = warped(image, invertAffine(regionToRaster(region, size, 'plain', true)), size);
    const hrnet = warped(mirrored, invertAffine(regionToRaster(mirroredRegion, size, 'plain')), size);
    expect(Math.max(...differences(ours, hrnet))).toBeLessThanOrEqual(2);
    expect(share(differences(ours, hrnet).map((levels) => levels <= 1))).toBeGreaterThan(0.995);
  });
});
