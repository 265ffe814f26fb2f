/** @file Places in a crop that are not the person's. */
import {describe, expect, it} from 'vitest';
import {drawOffTarget} from '../../src/data/offTarget.js';
import type {Affine} from '../../src/data/transforms/affine.js';
import {stream} from '../../src/random.js';

const INPUT = [64, 48] as const;
/** Half the size, moved. */
const TO_INPUT: Affine = [0.5, 0, -10, 0, 0.5, -20];
const OWN = [24, 32, 1, 20, 20, 1, 0, 0, 0];
/** In the input: (10, 10), (200, 10) outside, and an unlabelled one; the centre (105, 10) is outside, too. */
const OTHER = [40, 60, 2, 420, 60, 1, 60, 90, 0];

const draw = (others: number[][], neighbour: number, distance: number, index: number) =>
  drawOffTarget(OWN, others, TO_INPUT, INPUT, {neighbour, distance}, stream(0, 'test', 0, index));
const DRAWS = Array.from({length: 200}, (_, i) => i);

describe('an off-target place', () => {
  it('is a labelled keypoint of somebody else inside the crop', () => {
    for (const i of DRAWS) expect(draw([OTHER], 1, 24, i)).toEqual([10, 10]);
  });

  it('may be the centre of somebody else', () => {
    // Keypoints at (10, 10) and (30, 30), centre between them.
    const found = DRAWS.map((i) => String(draw([[40, 60, 2, 80, 100, 2]], 1, 24, i)));
    expect(new Set(found)).toEqual(new Set(['10,10', '30,30', '20,20']));
    for (const place of new Set(found)) {
      expect(found.filter((other) => other === place).length).toBeGreaterThan(200 / 3 - 30);
    }
  });

  it.each([
    ['nobody else is there', [], 1],
    ['everybody else is outside', [[420, 60, 1]], 1],
    ['it is not wanted to be somebody else', [OTHER], 0],
  ])('is in the background, far from every labelled keypoint, where %s', (_, others, neighbour) => {
    for (const i of DRAWS) {
      const [x, y] = draw(others as number[][], neighbour as number, 12, i)!;
      expect(x >= 0 && x < 48 && y >= 0 && y < 64).toBe(true);
      expect(Math.min(Math.hypot(x - 24, y - 32), Math.hypot(x - 20, y - 20))).toBeGreaterThan(12);
    }
  });

  it('is somebody else as often as is said', () => {
    const others = DRAWS.filter((i) => String(draw([OTHER], 0.25, 12, i)) === '10,10').length;
    expect(Math.abs(others / 200 - 0.25)).toBeLessThan(0.1);
  });

  it('is not there where the person fills the crop', () => {
    expect(draw([], 1, 100, 0)).toBeNull();
  });

  it('is the same for the same stream', () => {
    expect(draw([OTHER], 0.5, 12, 7)).toEqual(draw([OTHER], 0.5, 12, 7));
  });
});
