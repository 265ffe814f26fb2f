import {describe, expect, it} from 'vitest';
import {bodiesTouch} from '../../../src/data/synthetic/collision.js';
import {type CrowdOptions, USUAL_CROWD} from '../../../src/data/synthetic/crowd.js';
import {overlap, screenBox} from '../../../src/data/synthetic/person.js';
import {type Scene, sampleScene} from '../../../src/data/synthetic/scene.js';
import {stream} from '../../../src/random.js';

const scenes = (count: number, crowd: CrowdOptions): Scene[] =>
  Array.from({length: count}, (_, i) => sampleScene(stream(3, 'crowd', 0, i), crowd));

/** For everybody but the first, the greatest overlap with an earlier person. */
function overlaps({camera, people}: Scene): number[] {
  const boxes = people.map((person) => screenBox(camera, person));
  return boxes
    .slice(1)
    .map((box, i) => Math.max(...boxes.slice(0, i + 1).map((other) => overlap(box, other))));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a crowd', () => {
  it('has as many people as was asked for, every number of them', () => {
    const counts = scenes(60, USUAL_CROWD).map(({people}) => people.length);
    expect(new Set(counts)).toEqual(new Set([2, 3, 4, 5]));
    const six = scenes(10, {people: [6, 6], overlap: [0.2, 0.5]});
    expect(six.map(({people}) => people.length)).toEqual(new Array(10).fill(6));
  });

  it.each([
    [0, 0.2],
    [0.2, 0.7],
    [0.6, 0.8],
  ] as const)('overlaps by %d to %d, boxes about the joints', (low, high) => {
    const found = scenes(40, {people: [3, 3], overlap: [low, high]}).flatMap(overlaps);
    // Of somebody who joins one person, but hides a second one more, the greater overlap is seen here.
    expect(Math.min(...found)).toBeGreaterThan(low - 0.061);
    expect(Math.max(...found)).toBeLessThan(high + 0.061);
    expect(mean(found)).toBeGreaterThan((low + high) / 2 - 0.08);
    expect(mean(found)).toBeLessThan((low + high) / 2 + 0.12);
  });

  it('lets nobody run into another', () => {
    for (const {people} of scenes(25, USUAL_CROWD)) {
      const pairs = people.flatMap((a, i) => people.slice(i + 1).map((b) => [a, b] as const));
      expect(pairs.some(([a, b]) => bodiesTouch(a.skeleton, b.skeleton))).toBe(false);
    }
  });

  it('is the same again for the same draws', () => {
    expect(scenes(3, USUAL_CROWD)).toEqual(scenes(3, USUAL_CROWD));
  });
});
