/** @file The geometry: HRNet's three points and UDP's formula, the flip by mirroring the whole image, round trips. */
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {type Convention, pixelsPerCell} from '../../../src/codecs/grid.js';
import {
  type Affine,
  applyAffine,
  inputToImage,
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

/** The matrix of Huang et al. 2020, Eq. 3, as `get_warp_matrix(theta, 2c, size − 1, region)` of their code writes it. */
function udpMatrix(theta: number, [x, y]: Point, [regionWidth, regionHeight]: Point, [h, w]: Point): Affine {
  const angle = (theta * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [scaleX, scaleY] = [(w - 1) / regionWidth, (h - 1) / regionHeight];
  const [inputWidth, inputHeight] = [2 * x, 2 * y];
  return [
    cos * scaleX,
    -sin * scaleX,
    scaleX * (-0.5 * inputWidth * cos + 0.5 * inputHeight * sin + 0.5 * regionWidth),
    sin * scaleY,
    cos * scaleY,
    scaleY * (-0.5 * inputWidth * sin - 0.5 * inputHeight * cos + 0.5 * regionHeight),
  ];
}

/** The published matrix for a region in either convention; UDP's code counts angles the other way round. */
function published(convention: Convention, {center, size, rotation}: Region): Affine {
  if (convention === 'udp') return udpMatrix(-rotation, center, size, raster);
  return hrnetTransform(center, size[0], rotation, raster);
}

/** Two points agree within 1e-9 of their magnitude. */
function expectSame(actual: readonly number[], expected: readonly number[]): void {
  const magnitude = 1 + Math.max(...expected.map(Math.abs));
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(1e-9 * magnitude);
  });
}

interface Region {
  readonly center: Point;
  readonly size: Point;
  readonly rotation: number;
}

const number = (min: number, max: number) => fc.double({min, max, noNaN: true});
const anyRegion: fc.Arbitrary<Region> = fc.record({
  center: fc.tuple(number(-100, 2000), number(-100, 2000)),
  size: number(8, 3000).map((width): Point => [width, (width * 4) / 3]),
  rotation: number(-90, 90),
});
const anyPoint = fc.tuple(number(-50, 2000), number(-50, 2000));
const raster: Point = [256, 192];

describe.each(['plain', 'udp'] as const)('regionToRaster, %s', (convention) => {
  it('is the published transform', () => {
    fc.assert(
      fc.property(anyRegion, anyPoint, (region, [x, y]) => {
        const ours = regionToRaster(region, raster, convention);
        expectSame(applyAffine(ours, x, y), applyAffine(published(convention, region), x, y));
      }),
    );
  });

  it('flips as mirroring the image, its centre and its points first does', () => {
    const imageWidth = 640;
    fc.assert(
      fc.property(anyRegion, anyPoint, (region, [x, y]) => {
        const center: Point = [imageWidth - 1 - region.center[0], region.center[1]];
        const ofMirrored = published(convention, {...region, center, rotation: -region.rotation});
        const expected = applyAffine(ofMirrored, imageWidth - 1 - x, y);
        expectSame(applyAffine(regionToRaster(region, raster, convention, true), x, y), expected);
      }),
    );
  });

  it('flips about the middle of the raster’s extent', () => {
    // In UDP's convention that turns pixel 0 into the last one; in the plain one, into the one after it.
    const last = convention === 'udp' ? raster[1] - 1 : raster[1];
    fc.assert(
      fc.property(anyRegion, anyPoint, (region, [x, y]) => {
        const [u, v] = applyAffine(regionToRaster(region, raster, convention), x, y);
        expectSame(applyAffine(regionToRaster(region, raster, convention, true), x, y), [last - u, v]);
      }),
    );
  });

  it('is undone by its inverse', () => {
    fc.assert(
      fc.property(anyRegion, fc.boolean(), anyPoint, (region, flipped, [x, y]) => {
        const toRaster = regionToRaster(region, raster, convention, flipped);
        expectSame(applyAffine(invertAffine(toRaster), ...applyAffine(toRaster, x, y)), [x, y]);
      }),
    );
  });

  it('is the way to the input and then to the cells of a heatmap', () => {
    const heatmap = [64, 48] as const;
    const [perCellY, perCellX] = pixelsPerCell(raster, heatmap, convention);
    fc.assert(
      fc.property(anyRegion, anyPoint, (region, [x, y]) => {
        const [u, v] = applyAffine(regionToRaster(region, raster, convention), x, y);
        expectSame(applyAffine(regionToRaster(region, heatmap, convention), x, y), [
          u / perCellX,
          v / perCellY,
        ]);
      }),
    );
  });

  it('is undone for a batch by inputToImage', () => {
    fc.assert(
      fc.property(anyRegion, anyRegion, anyPoint, (first, second, [x, y]) => {
        const points = [first, second].flatMap((region) =>
          applyAffine(regionToRaster(region, raster, convention), x, y),
        );
        expectSame([...inputToImage(points, [first, second], raster, convention)], [x, y, x, y]);
      }),
    );
  });
});

describe('inputToImage', () => {
  it('takes the points of each sample through its own region', () => {
    const first = {center: [100, 200], size: [48, 64], rotation: 0} as const;
    const second = {center: [10, 20], size: [96, 128], rotation: 0} as const;
    const points = [96, 128, 100, 128, 96, 128, 96, 120];
    const found = inputToImage(points, [first, second], raster, 'plain');
    expect(Array.from(found)).toEqual([100, 200, 101, 200, 10, 20, 10, 16]);
  });

  it('sees the corners of a region in the middles of the corner pixels, in UDP’s convention', () => {
    const region = {center: [100, 200], size: [48, 64], rotation: 0} as const;
    const found = inputToImage([0, 0, 191, 255], [region], raster, 'udp');
    expectSame([...found], [76, 168, 124, 232]);
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
