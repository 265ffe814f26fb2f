/** @file Augmentation: the ranges and frequencies of HRNet's draws. */
import {describe, expect, it} from 'vitest';
import {configSchema} from '../../../src/config/schema.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {augment} from '../../../src/data/transforms/augment.js';
import {stream} from '../../../src/random.js';

const coco17 = loadKeypointSet('coco17');
const split = {annotations: 'a', images: 'b'};
const config = configSchema.shape.dataset.parse({root: '.', train: split, val: split}).augment;
const none = {
  ...config,
  flip: 0,
  rotation: 0,
  rotationProbability: 0,
  scale: 0,
  halfBody: {probability: 0, minKeypoints: 8},
};
const region = {center: [100, 120], size: [60, 80], rotation: 0} as const;
/** Keypoint k at (k, 10 k). */
const keypoints = Array.from({length: 17}, (_, k) => [k, 10 * k, 2]).flat();

const DRAWS = 4000;
function draw(changes: Partial<typeof config>, points = keypoints) {
  return Array.from({length: DRAWS}, (_, i) =>
    augment(region, points, coco17, {...none, ...changes}, 0.75, stream(3, 'test', 0, i)),
  );
}
const share = (values: boolean[]) => values.filter(Boolean).length / values.length;

describe('augment', () => {
  it('changes nothing with everything at zero', () => {
    expect(draw({})[0]).toEqual({region, flipped: false});
  });

  it('depends on the stream alone', () => {
    expect(draw(config)).toEqual(draw(config));
  });

  it('flips half of the samples', () => {
    expect(share(draw({flip: 0.5}).map(({flipped}) => flipped))).toBeCloseTo(0.5, 1);
  });

  it('rotates three in five by a Gaussian clipped at twice its deviation', () => {
    const angles = draw({rotation: 45, rotationProbability: 0.6}).map(({region: {rotation}}) => rotation);
    const turned = angles.filter((angle) => angle !== 0);
    expect(turned.length / DRAWS).toBeCloseTo(0.6, 1);
    expect([Math.min(...turned), Math.max(...turned)]).toEqual([-90, 90]);
    expect(turned.filter((angle) => Math.abs(angle) < 45).length / turned.length).toBeCloseTo(0.683, 1);
  });

  it('scales by a Gaussian around 1 clipped at its deviation, both sides alike', () => {
    const sizes = draw({scale: 0.35}).map(({region: {size}}) => size);
    const factors = sizes.map(([width]) => width / 60);
    expect(Math.min(...factors)).toBeCloseTo(0.65, 10);
    expect(Math.max(...factors)).toBeCloseTo(1.35, 10);
    expect(share(factors.map((factor) => factor > 0.651 && factor < 1.349))).toBeCloseTo(0.683, 1);
    expect(sizes.every(([width, height]) => Math.abs(height / width - 4 / 3) < 1e-12)).toBe(true);
  });

  describe('of half a body', () => {
    const always = {halfBody: {probability: 1, minKeypoints: 8}};

    it('takes the upper keypoints in 69 % of cases, else the lower ones, and pads by half', () => {
      const regions = draw(always).map(({region: half}) => half);
      const upper = regions.filter(({center}) => center[0] === 5);
      const lower = regions.filter(({center}) => center[0] === 13.5);
      expect(upper.length + lower.length).toBe(DRAWS);
      expect(upper.length / DRAWS).toBeCloseTo(0.69, 1);
      expect(upper[0]).toEqual({center: [5, 50], size: [112.5, 150], rotation: 0});
      expect(lower[0]).toEqual({center: [13.5, 135], size: [56.25, 75], rotation: 0});
    });

    it('happens as often as it should', () => {
      const half = draw({halfBody: {probability: 0.3, minKeypoints: 8}}).map(
        ({region: {center}}) => center[0] !== 100,
      );
      expect(share(half)).toBeCloseTo(0.3, 1);
    });

    it.each([
      ['with eight labelled keypoints', keypoints.map((value, i) => (i % 3 === 2 && i > 24 ? 0 : value))],
      ['with all keypoints in one place', keypoints.map((value, i) => (i % 3 === 2 ? value : 50))],
    ])('leaves the whole body %s', (_, points) => {
      expect(draw(always, points).every(({region: {center}}) => center === region.center)).toBe(true);
    });

    it('takes the upper keypoints if two lower ones or fewer are labelled', () => {
      const upperOnly = keypoints.map((value, i) => (i % 3 === 2 && i > 40 ? 0 : value));
      expect(draw(always, upperOnly).every(({region: {center}}) => center[0] === 5)).toBe(true);
    });
  });
});
