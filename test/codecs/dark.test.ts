/** @file DARK: targets by formula, offsets against the paper's steps written out, and the round trip. */
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {taylorOffset} from '../../src/codecs/dark.js';
import {decodeHeatmaps, encodeHeatmaps} from '../../src/codecs/heatmap.js';
import {stream} from '../../src/random.js';

const [HEIGHT, WIDTH, STRIDE] = [32, 24, 4];
const SIZE = [HEIGHT, WIDTH] as const;

function encode(points: number[], sigma = 2) {
  const targets = new Float32Array((HEIGHT * WIDTH * points.length) / 3);
  const weights = new Float32Array(points.length / 3);
  encodeHeatmaps(
    Float64Array.from(points),
    {size: SIZE, stride: STRIDE, sigma, unbiased: true},
    targets,
    weights,
  );
  return {targets, weights};
}

describe('unbiased targets', () => {
  it('are Gaussians around the keypoint itself, over the whole heatmap', () => {
    const [x, y] = [41.3, 77.9];
    const {targets, weights} = encode([x, y, 1, 10, 10, 0]);
    expect([...weights]).toEqual([1, 0]);
    for (let row = 0; row < HEIGHT; row++) {
      for (let column = 0; column < WIDTH; column++) {
        const squared = (column - x / STRIDE) ** 2 + (row - y / STRIDE) ** 2;
        const at = 2 * (row * WIDTH + column);
        expect(targets[at]).toBeCloseTo(Math.exp(-squared / 8), 7);
        expect(targets[at + 1]).toBe(0);
      }
    }
  });

  it('take part in the loss where the biased ones do', () => {
    const xs = [-30, -25, -20, 0, 95, 115, 121, 140];
    const points = xs.flatMap((x) => [x, 64, 1]);
    const biased = new Float32Array(xs.length);
    const targets = new Float32Array(HEIGHT * WIDTH * xs.length);
    const geometry = {size: SIZE, stride: STRIDE, sigma: 2, unbiased: false};
    encodeHeatmaps(Float64Array.from(points), geometry, targets, biased);
    expect(encode(points).weights).toEqual(biased);
    expect(new Set(biased)).toEqual(new Set([0, 1]));
  });
});

describe('decoding', () => {
  it.each([1, 1.5, 2, 3])('finds encoded keypoints again within a tenth of a cell (sigma %d)', (sigma) => {
    const inside = (cells: number) => fc.double({min: 7, max: cells - 8, noNaN: true});
    fc.assert(
      fc.property(inside(WIDTH), inside(HEIGHT), (x, y) => {
        const {targets} = encode([x * STRIDE, y * STRIDE, 1], sigma);
        const {coordinates} = decodeHeatmaps(targets, [1, HEIGHT, WIDTH, 1], sigma);
        expect(Math.hypot(coordinates[0] - x, coordinates[1] - y)).toBeLessThan(0.1);
      }),
      {numRuns: 50},
    );
  });

  it('stays within a cell of the maximum near borders, where the Gaussian is cut', () => {
    const anywhere = (cells: number) => fc.double({min: 0, max: cells - 0.51, noNaN: true});
    fc.assert(
      fc.property(anywhere(WIDTH), anywhere(HEIGHT), (x, y) => {
        const {targets} = encode([x * STRIDE, y * STRIDE, 1]);
        const {coordinates} = decodeHeatmaps(targets, [1, HEIGHT, WIDTH, 1], 2);
        expect(Math.max(Math.abs(coordinates[0] - x), Math.abs(coordinates[1] - y))).toBeLessThan(1);
      }),
      {numRuns: 100},
    );
  });

  it('keeps samples and channels apart, and gives the score of the map itself', () => {
    const {targets} = encode([40, 60, 1, 62, 81, 1]);
    const both = new Float32Array(2 * targets.length);
    both.set(targets);
    both.set(
      targets.map((value) => value / 2),
      targets.length,
    );
    const {coordinates, scores} = decodeHeatmaps(both, [2, HEIGHT, WIDTH, 2], 2);
    [10, 15, 15.5, 20.25, 10, 15, 15.5, 20.25].forEach((expected, i) => {
      expect(coordinates[i]).toBeCloseTo(expected, 1);
    });
    expect(scores[0]).toBe(1);
    expect(scores[2]).toBe(0.5);
  });

  it('gives the origin if nothing is positive', () => {
    const {coordinates} = decodeHeatmaps(new Float32Array(HEIGHT * WIDTH).fill(-1), [1, HEIGHT, WIDTH, 1], 2);
    expect([...coordinates]).toEqual([0, 0]);
  });
});

/** The paper's steps one by one: a two-dimensional kernel, its 11 × 11 taps, and the inverse Hessian. */
function plainOffset(map: Float64Array, x: number, y: number): [number, number] {
  const kernel = Array.from({length: 11}, (_, i) => Math.exp(-((i - 5) ** 2) / 8));
  const sum = kernel.reduce((total, tap) => total + tap, 0);
  const smooth = (column: number, row: number) => {
    let value = 0;
    for (let i = 0; i < 11; i++) {
      for (let j = 0; j < 11; j++) {
        const [r, c] = [row + i - 5, column + j - 5];
        if (r < 0 || r >= HEIGHT || c < 0 || c >= WIDTH) continue;
        value += (kernel[i] / sum) * (kernel[j] / sum) * map[r * WIDTH + c];
      }
    }
    return Math.log(value);
  };
  const l = (dx: number, dy: number) => smooth(x + dx, y + dy);
  const [dx, dy] = [(l(1, 0) - l(-1, 0)) / 2, (l(0, 1) - l(0, -1)) / 2];
  const dxx = 0.25 * (l(2, 0) - 2 * l(0, 0) + l(-2, 0));
  const dyy = 0.25 * (l(0, 2) - 2 * l(0, 0) + l(0, -2));
  const dxy = 0.25 * (l(1, 1) - l(1, -1) - l(-1, 1) + l(-1, -1));
  const det = dxx * dyy - dxy ** 2;
  return [-(dyy * dx - dxy * dy) / det, -(dxx * dy - dxy * dx) / det];
}

describe('taylorOffset', () => {
  it('is what the steps of the paper give, on uneven maps', () => {
    const random = stream(0, 'test/dark');
    for (const [x, y] of [
      [10, 15],
      [2, 2],
      [21, 29],
    ]) {
      const map = Float64Array.from({length: HEIGHT * WIDTH}, (_, i) => {
        const squared = ((i % WIDTH) - x - 0.3) ** 2 + (Math.floor(i / WIDTH) - y + 0.2) ** 2;
        return Math.exp(-squared / 8) + 0.05 * random.uniform(0, 1);
      });
      const [dx, dy] = taylorOffset(map, SIZE, x, y, 2);
      const [expectedX, expectedY] = plainOffset(map, x, y);
      expect(dx).toBeCloseTo(expectedX, 9);
      expect(dy).toBeCloseTo(expectedY, 9);
    }
  });

  it.each([
    [1, 15],
    [10, 1],
    [WIDTH - 2, 15],
    [10, HEIGHT - 2],
  ])('is zero at (%i, %i), too near a border', (x, y) => {
    expect(
      taylorOffset(
        Float64Array.from({length: HEIGHT * WIDTH}, (_, i) => i),
        SIZE,
        x,
        y,
        2,
      ),
    ).toEqual([0, 0]);
  });

  it('is zero on a map without slope', () => {
    expect(taylorOffset(new Float64Array(HEIGHT * WIDTH), SIZE, 10, 10, 2)).toEqual([0, 0]);
  });
});
