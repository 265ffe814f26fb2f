/** @file Heatmap codecs: targets by formula and as HRNet's Python draws them, decoding by hand-made maps. */
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {HeatmapCodec, type HeatmapKind} from '../../src/codecs/heatmap.js';
import {between, encodeBatch, type Point} from './builders.js';

const [HEIGHT, WIDTH, STRIDE] = [64, 48, 4];
const INPUT = [HEIGHT * STRIDE, WIDTH * STRIDE] as const;

function codec(type: HeatmapKind, keypoints: number, sigma = 2): HeatmapCodec {
  return new HeatmapCodec({type, input: INPUT, stride: STRIDE, sigma, keypoints});
}

function encode(type: HeatmapKind, points: Point[]) {
  const {targets, weights} = encodeBatch(codec(type, points.length), [points]);
  const at = (row: number, column: number, k = 0) => targets[0][(row * WIDTH + column) * points.length + k];
  return {map: targets[0], weights: [...weights], at};
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

const nearby = fc.tuple(between(-60, INPUT[1] + 60), between(-60, INPUT[0] + 60));

describe('targets', () => {
  it('of msra are HRNet’s patch wherever the keypoint lies, at the borders and beyond', () => {
    fc.assert(
      fc.property(nearby, ([x, y]) => {
        const {map, weights} = encode('msra', [[x, y, 1]]);
        const {target, weight} = hrnetTarget(x, y);
        expect(weights).toEqual([weight]);
        expect(target.flat().findIndex((value, i) => Math.fround(value) !== map[i])).toBe(-1);
      }),
      {numRuns: 60},
    );
  });

  it('of dark are Gaussians around the keypoint itself, over the whole heatmap', () => {
    fc.assert(
      fc.property(nearby, ([x, y]) => {
        const {weights, at} = encode('dark', [[x, y, 1]]);
        expect(weights).toEqual([hrnetTarget(x, y).weight]);
        for (const [row, column] of [
          [0, 0],
          [20, 10],
          [63, 47],
          [40, 30],
        ]) {
          const squared = (column - x / STRIDE) ** 2 + (row - y / STRIDE) ** 2;
          expect(at(row, column)).toBeCloseTo(weights[0] * Math.exp(-squared / 8), 7);
        }
      }),
      {numRuns: 60},
    );
  });

  it('of udp are Gaussians around the keypoint, where input and heatmap have their outer centres in common', () => {
    fc.assert(
      fc.property(nearby, ([x, y]) => {
        const [u, v] = [(x * 47) / 191, (y * 63) / 255];
        const [column, row] = [Math.trunc(u + 0.5), Math.trunc(v + 0.5)];
        const {map, weights} = encode('udp', [[x, y, 1]]);
        const isFar = column - 6 >= 48 || row - 6 >= 64 || column + 7 < 0 || row + 7 < 0;
        expect(weights).toEqual([isFar ? 0 : 1]);
        const wrong = map.findIndex((value, i) => {
          const [c, r] = [i % WIDTH, Math.floor(i / WIDTH)];
          const isDrawn = !isFar && Math.abs(c - column) <= 6 && Math.abs(r - row) <= 6;
          const expected = isDrawn ? Math.exp(-((c - u) ** 2 + (r - v) ** 2) / 8) : 0;
          return !(Math.abs(value - expected) < 1e-7);
        });
        expect(wrong).toBe(-1);
      }),
      {numRuns: 60},
    );
  });

  it('of udp have a corner pixel’s Gaussian around the corner cell', () => {
    const {at} = encode('udp', [
      [191, 255, 1],
      [0, 0, 1],
    ]);
    expect([at(63, 47, 0), at(0, 0, 1)]).toEqual([1, 1]);
  });

  it('keep channels apart, leave out keypoints of weight 0, and pass the others’ weights on', () => {
    const {map, weights, at} = encode('msra', [
      [40, 80, 1],
      [100, 120, 0],
      [60, 20, 0.5],
    ]);
    expect(weights).toEqual([1, 0, 0.5]);
    expect([at(20, 10, 0), at(20, 10, 2), at(5, 15, 2), at(5, 15, 0)]).toEqual([1, 0, 1, 0]);
    expect(at(20, 12, 0)).toBeCloseTo(Math.exp(-0.5), 7);
    expect(map.filter((_, i) => i % 3 === 1).every((value) => value === 0)).toBe(true);
  });

  it('need an input that is a multiple of the stride', () => {
    const spec = {type: 'msra', input: [62, 48], stride: 4, sigma: 2, keypoints: 1} as const;
    expect(() => new HeatmapCodec(spec)).toThrow(/model\.input: 62x48 is not a multiple of the stride 4/);
  });
});

describe('decoding with a quarter offset', () => {
  // Heatmaps of 6 x 5 cells, of an input four times as large.
  const small = new HeatmapCodec({type: 'msra', input: [24, 20], stride: 4, sigma: 2, keypoints: 1});
  const map = (cells: Record<string, number>) => {
    const values = new Float32Array(30);
    for (const [place, value] of Object.entries(cells)) {
      const [x, y] = place.split(',').map(Number);
      values[y * 5 + x] = value;
    }
    return values;
  };

  it.each([
    ['moves towards the higher neighbour on each axis', {'2,3': 1, '3,3': 0.5, '2,2': 0.1}, [2.25, 2.75]],
    ['does not move where neighbours are equal', {'2,3': 1}, [2, 3]],
    ['does not move in the second column, on either axis', {'1,3': 1, '2,3': 0.5, '1,4': 0.5}, [1, 3]],
    ['does not move in the last row', {'2,5': 1, '3,5': 0.5}, [2, 5]],
    ['takes the first of equal maxima', {'3,2': 1, '2,4': 1}, [3, 2]],
  ])('%s', (_, cells, expected) => {
    const {coordinates, scores} = small.decode([map(cells)], 1);
    expect(Array.from(coordinates)).toEqual(expected.map((cell) => 4 * cell));
    expect(scores[0]).toBe(1);
  });
});

it.each(['msra', 'dark', 'udp'] as const)(
  '%s gives the origin and the score if nothing is positive',
  (type) => {
    const {coordinates, scores} = codec(type, 1).decode([new Float32Array(HEIGHT * WIDTH).fill(-0.5)], 1);
    expect([...coordinates, ...scores]).toEqual([0, 0, -0.5]);
  },
);
