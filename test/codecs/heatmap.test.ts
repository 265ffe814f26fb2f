/** @file Heatmap codec: targets by formula, decoding by hand-made maps, and the round trip. */
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {decodeHeatmaps, encodeHeatmaps, flipHeatmaps} from '../../src/codecs/heatmap.js';

const [HEIGHT, WIDTH, STRIDE] = [64, 48, 4];
const geometry = {size: [HEIGHT, WIDTH] as const, stride: STRIDE, sigma: 2, unbiased: false};

function encode(points: number[]): {targets: Float32Array; weights: Float32Array} {
  const keypoints = points.length / 3;
  const targets = new Float32Array(HEIGHT * WIDTH * keypoints);
  const weights = new Float32Array(keypoints).fill(9);
  encodeHeatmaps(Float64Array.from(points), geometry, targets, weights);
  return {targets, weights};
}

/** HRNet's generate_target for one joint, written as its Python is: a patch that is cut and pasted. */
function hrnetTarget(x: number, y: number): {target: number[][]; weight: number} {
  const target = Array.from({length: HEIGHT}, () => new Array<number>(WIDTH).fill(0));
  const [reach, size] = [6, 13];
  const muX = Math.trunc(x / STRIDE + 0.5);
  const muY = Math.trunc(y / STRIDE + 0.5);
  const [left, top, right, bottom] = [muX - reach, muY - reach, muX + reach + 1, muY + reach + 1];
  if (left >= WIDTH || top >= HEIGHT || right < 0 || bottom < 0) return {target, weight: 0};
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const row = target[top + i];
      if (row && left + j >= 0 && left + j < WIDTH)
        row[left + j] = Math.exp(-((j - 6) ** 2 + (i - 6) ** 2) / 8);
    }
  }
  return {target, weight: 1};
}

describe('encodeHeatmaps', () => {
  it('draws HRNet’s patch wherever the keypoint lies, at the borders and beyond', () => {
    const coordinate = (limit: number) => fc.double({min: -60, max: limit + 60, noNaN: true});
    fc.assert(
      fc.property(coordinate(192), coordinate(256), (x, y) => {
        const {targets, weights} = encode([x, y, 1]);
        const {target, weight} = hrnetTarget(x, y);
        expect(weights[0]).toBe(weight);
        expect(target.flat().findIndex((value, i) => Math.fround(value) !== targets[i])).toBe(-1);
      }),
      {numRuns: 100},
    );
  });

  it('keeps channels apart and leaves out keypoints that are not labelled', () => {
    const {targets, weights} = encode([40, 80, 1, 100, 120, 0, 60, 20, 1]);
    const at = (row: number, column: number, k: number) => targets[(row * WIDTH + column) * 3 + k];
    expect(Array.from(weights)).toEqual([1, 0, 1]);
    expect([at(20, 10, 0), at(20, 10, 2), at(5, 15, 2), at(5, 15, 0)]).toEqual([1, 0, 1, 0]);
    expect(at(20, 12, 0)).toBeCloseTo(Math.exp(-0.5), 7);
    expect(targets.filter((_, i) => i % 3 === 1).every((value) => value === 0)).toBe(true);
  });

  it('writes at the offsets it is given and nowhere else', () => {
    const targets = new Float32Array(3 * HEIGHT * WIDTH);
    const weights = new Float32Array(3);
    encodeHeatmaps(Float64Array.of(40, 80, 1), geometry, targets, weights, HEIGHT * WIDTH, 1);
    expect(Array.from(weights)).toEqual([0, 1, 0]);
    expect(targets.findIndex((value) => value > 0)).toBe(HEIGHT * WIDTH + 14 * WIDTH + 4);
    expect(Array.from(targets).lastIndexOf(targets[HEIGHT * WIDTH + 14 * WIDTH + 4])).toBe(
      HEIGHT * WIDTH + 26 * WIDTH + 16,
    );
  });
});

describe('decodeHeatmaps', () => {
  const shape = [1, 6, 5, 1] as const;
  const map = (cells: Record<string, number>) => {
    const values = new Float32Array(30);
    for (const [place, value] of Object.entries(cells)) {
      const [x, y] = place.split(',').map(Number);
      values[y * 5 + x] = value;
    }
    return values;
  };

  it.each([
    [
      'moves a quarter towards the higher neighbour on each axis',
      {'2,3': 1, '3,3': 0.5, '2,2': 0.1},
      [2.25, 2.75],
    ],
    ['does not move where neighbours are equal', {'2,3': 1}, [2, 3]],
    ['does not move in the second column, on either axis', {'1,3': 1, '2,3': 0.5, '1,4': 0.5}, [1, 3]],
    ['does not move in the last row', {'2,5': 1, '3,5': 0.5}, [2, 5]],
    ['takes the first of equal maxima', {'3,2': 1, '2,4': 1}, [3, 2]],
  ])('%s', (_, cells, expected) => {
    const {coordinates, scores} = decodeHeatmaps(map(cells), shape);
    expect(Array.from(coordinates)).toEqual(expected);
    expect(scores[0]).toBe(1);
  });

  it('gives the origin and the score if nothing is positive', () => {
    const {coordinates, scores} = decodeHeatmaps(new Float32Array(30).fill(-0.5), shape);
    expect([...coordinates, ...scores]).toEqual([0, 0, -0.5]);
  });

  it('finds encoded keypoints again within half a cell, also at the borders', () => {
    const inside = fc.tuple(
      fc.double({min: 0, max: (WIDTH - 0.51) * STRIDE, noNaN: true}),
      fc.double({min: 0, max: (HEIGHT - 0.51) * STRIDE, noNaN: true}),
    );
    fc.assert(
      fc.property(fc.array(inside, {minLength: 1, maxLength: 4}), (points) => {
        const {targets, weights} = encode(points.flatMap(([x, y]) => [x, y, 1]));
        const {coordinates, scores} = decodeHeatmaps(targets, [1, HEIGHT, WIDTH, points.length]);
        points.flat().forEach((pixel, i) => {
          expect(Math.abs(coordinates[i] - pixel / STRIDE)).toBeLessThanOrEqual(0.5 + 1e-6);
        });
        expect(Math.min(...weights, ...scores)).toBe(1);
      }),
      {numRuns: 60},
    );
  });
});

describe('flipHeatmaps', () => {
  // One row of three cells, two samples, three channels of which 1 and 2 are a pair: value = 100 sample + 10 x + k.
  const shape = [2, 1, 3, 3] as const;
  const maps = Float32Array.from(
    {length: 18},
    (_, i) => 100 * Math.floor(i / 9) + 10 * (Math.floor(i / 3) % 3) + (i % 3),
  );

  it('mirrors columns and swaps pairs', () => {
    const flipped = Array.from(flipHeatmaps(maps, shape, [[1, 2]], false));
    expect(flipped.slice(0, 9)).toEqual([20, 22, 21, 10, 12, 11, 0, 2, 1]);
    expect(flipped.slice(9)).toEqual([120, 122, 121, 110, 112, 111, 100, 102, 101]);
  });

  it('moves one cell to the right and repeats the first column when shifted', () => {
    const flipped = Array.from(flipHeatmaps(maps, shape, [[1, 2]], true));
    expect(flipped.slice(0, 9)).toEqual([20, 22, 21, 20, 22, 21, 10, 12, 11]);
  });

  it('undoes itself', () => {
    expect(flipHeatmaps(flipHeatmaps(maps, shape, [[1, 2]], false), shape, [[1, 2]], false)).toEqual(maps);
  });
});
