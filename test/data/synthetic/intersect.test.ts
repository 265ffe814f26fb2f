import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {capsule, hitBox, hitCapsule} from '../../../src/data/synthetic/intersect.js';

type Point = readonly [number, number, number];

/** Distance to a tapered capsule: the least over spheres strung along its axis. */
function distanceToCapsule([x, y, z]: Point, start: number, end: number, length: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= 1000; i++) {
    const f = i / 1000;
    least = Math.min(least, Math.hypot(x, y - f * length, z) - (start + f * (end - start)));
  }
  return least;
}

/** Where a ray meets a surface, by walking as far as the distance allows. */
function march(origin: Point, direction: Point, distance: (point: Point) => number): number | null {
  const speed = Math.hypot(...direction);
  const at = (t: number): Point => [0, 1, 2].map((i) => origin[i] + t * direction[i]) as unknown as Point;
  for (let t = 0, step = 0; t < 30 && step < 400; step++) {
    const gap = distance(at(t));
    if (gap < 1e-4) return t;
    t += gap / speed;
  }
  return null;
}

const coordinate = fc.double({min: -0.6, max: 0.6, noNaN: true});

describe('rays and solids', () => {
  it('finds the point of a tapered capsule that a slow walk along the ray finds', () => {
    const radius = fc.double({min: 0.1, max: 0.5, noNaN: true});
    let hits = 0;
    fc.assert(
      fc.property(radius, radius, coordinate, coordinate, coordinate, (start, end, x, y, z) => {
        const origin: Point = [x, 0.5 + y, -4];
        const direction: Point = [z * 0.3, y * 0.3, 1];
        const walked = march(origin, direction, (point) => distanceToCapsule(point, start, end, 1));
        const t = hitCapsule(capsule(start, end, 1), ...origin, ...direction);
        // A ray that grazes may be a miss for either.
        if (walked === null || t === Number.POSITIVE_INFINITY) return;
        hits++;
        expect(Math.abs(t - walked)).toBeLessThan(0.02);
      }),
      {seed: 1, numRuns: 150},
    );
    expect(hits).toBeGreaterThan(50);
  });

  it('meets a sphere head on at its front, and misses beside it', () => {
    const sphere = capsule(1, 1, 0);
    expect(hitCapsule(sphere, 0, 0, -5, 0, 0, 1)).toBeCloseTo(4, 12);
    expect(hitCapsule(sphere, 0, 1.01, -5, 0, 0, 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('meets the cube on the face that the ray reaches first', () => {
    expect(hitBox(0.5, 0.5, -5, 0, 0, 1)).toBeCloseTo(4, 12);
    expect(hitBox(3, 0, -5, -1, 0, 2)).toBeCloseTo(2, 12);
    expect(hitBox(1.5, 0.5, -5, 0, 0, 1)).toBe(Number.POSITIVE_INFINITY);
  });
});
