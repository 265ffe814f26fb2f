/** @file The geometry: HRNet's three-point construction, the flip by mirroring the whole image, and round trips. */
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
  type Affine,
  applyAffine,
  cellsToImage,
  invertAffine,
  regionToRaster,
} from '../../../src/data/transforms/affine.js';
import {keypointsInInput} from '../../../src/data/transforms/keypoints.js';
import {boxToRegion} from '../../../src/data/transforms/region.js';

type Point = [number, number];

/** HRNet's get_affine_transform: three points of the image and where they go; solved by Cramer's rule. */
function hrnetTransform(center: Point, width: number, rotation: number, [h, w]: Point): Affine {
  const angle = (rotation * Math.PI) / 180;
  const third = ([ax, ay]: Point, [bx, by]: Point): Point => [bx - (ay - by), by + (ax - bx)];
  const source: Point[] = [
    center,
    [center[0] + Math.sin(angle) * width * 0.5, center[1] - Math.cos(angle) * width * 0.5],
  ];
  const target: Point[] = [
    [w / 2, h / 2],
    [w / 2, h / 2 - w / 2],
  ];
  source.push(third(source[0], source[1]));
  target.push(third(target[0], target[1]));
  const [[x0, y0], [x1, y1], [x2, y2]] = source;
  const determinant = x0 * (y1 - y2) - y0 * (x1 - x2) + (x1 * y2 - x2 * y1);
  const row = ([t0, t1, t2]: number[]): [number, number, number] => [
    (t0 * (y1 - y2) - y0 * (t1 - t2) + (t1 * y2 - t2 * y1)) / determinant,
    (x0 * (t1 - t2) - t0 * (x1 - x2) + (x1 * t2 - x2 * t1)) / determinant,
    (x0 * (y1 * t2 - y2 * t1) - y0 * (x1 * t2 - x2 * t1) + t0 * (x1 * y2 - x2 * y1)) / determinant,
  ];
  return [...row(target.map(([x]) => x)), ...row(target.map(([, y]) => y))];
}

const number = (min: number, max: number) => fc.double({min, max, noNaN: true});
const anyRegion = fc.record({
  center: fc.tuple(number(-100, 2000), number(-100, 2000)),
  size: number(8, 3000).map((width): Point => [width, (width * 4) / 3]),
  rotation: number(-90, 90),
});
const raster: Point = [256, 192];

describe('regionToRaster', () => {
  it('is HRNet’s transform', () => {
    fc.assert(
      fc.property(anyRegion, fc.tuple(number(-50, 2000), number(-50, 2000)), (region, [x, y]) => {
        const [u, v] = applyAffine(regionToRaster(region, raster), x, y);
        const expected = applyAffine(
          hrnetTransform(region.center, region.size[0], region.rotation, raster),
          x,
          y,
        );
        const tolerance = 1e-7 * (1 + Math.abs(u) + Math.abs(v));
        expect(Math.abs(u - expected[0])).toBeLessThan(tolerance);
        expect(Math.abs(v - expected[1])).toBeLessThan(tolerance);
      }),
    );
  });

  it('flips as HRNet does by mirroring the image, its centre and its points first', () => {
    const imageWidth = 640;
    fc.assert(
      fc.property(anyRegion, fc.tuple(number(0, 640), number(0, 480)), (region, [x, y]) => {
        const mirrored: Point = [imageWidth - 1 - region.center[0], region.center[1]];
        const hrnet = hrnetTransform(mirrored, region.size[0], -region.rotation, raster);
        const expected = applyAffine(hrnet, imageWidth - 1 - x, y);
        const [u, v] = applyAffine(regionToRaster(region, raster, true), x, y);
        const tolerance = 1e-7 * (1 + Math.abs(u) + Math.abs(v));
        expect(Math.abs(u - expected[0])).toBeLessThan(tolerance);
        expect(Math.abs(v - expected[1])).toBeLessThan(tolerance);
      }),
    );
  });

  it('is undone by its inverse within a hundredth of a pixel', () => {
    fc.assert(
      fc.property(
        anyRegion,
        fc.boolean(),
        fc.tuple(number(0, 2000), number(0, 2000)),
        (region, flipped, [x, y]) => {
          const toRaster = regionToRaster(region, raster, flipped);
          const [backX, backY] = applyAffine(invertAffine(toRaster), ...applyAffine(toRaster, x, y));
          expect(Math.hypot(backX - x, backY - y)).toBeLessThan(0.01);
        },
      ),
    );
  });
});

describe('cellsToImage', () => {
  it('takes the cells of each sample through its own region', () => {
    const first = {center: [100, 200], size: [48, 64], rotation: 0} as const;
    const second = {center: [10, 20], size: [96, 128], rotation: 0} as const;
    const points = cellsToImage([24, 32, 25, 32, 24, 32, 24, 30], [first, second], [64, 48]);
    expect(Array.from(points)).toEqual([100, 200, 101, 200, 10, 20, 10, 16]);
  });

  it('undoes the crop: keypoints in the input, divided by the stride, return to the image', () => {
    fc.assert(
      fc.property(anyRegion, number(0, 1000), number(0, 1000), (region, x, y) => {
        const [u, v] = applyAffine(regionToRaster(region, raster), x, y);
        const [backX, backY] = cellsToImage([u / 4, v / 4], [region], [64, 48]);
        expect(Math.hypot(backX - x, backY - y)).toBeLessThan(0.01);
      }),
    );
  });
});

describe('boxToRegion', () => {
  it.each([
    ['a tall box becomes wider', [10, 20, 30, 80], [25, 60], [75, 100]],
    ['a wide box becomes taller', [10, 20, 90, 30], [55, 35], [112.5, 150]],
    ['a box of the right shape is only padded', [0, 0, 30, 40], [15, 20], [37.5, 50]],
  ] as const)('%s', (_, box, center, size) => {
    expect(boxToRegion(box, 192 / 256, 1.25)).toEqual({center, size, rotation: 0});
  });
});

describe('keypointsInInput', () => {
  const shift: Affine = [1, 0, 5, 0, 1, -3];
  it('maps labelled keypoints, hidden or not, and leaves the others at zero', () => {
    const points = keypointsInInput([10, 20, 2, 30, 40, 1, 50, 60, 0], shift, null);
    expect(Array.from(points)).toEqual([15, 17, 1, 35, 37, 1, 0, 0, 0]);
  });

  it('swaps left and right where the input is mirrored', () => {
    const points = keypointsInInput([10, 20, 2, 30, 40, 1, 50, 60, 0], shift, [[1, 2]]);
    expect(Array.from(points)).toEqual([15, 17, 1, 0, 0, 0, 35, 37, 1]);
  });
});
