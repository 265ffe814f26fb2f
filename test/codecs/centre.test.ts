/** @file The person's centre as one more target: right after crop, rotation and flip, and supervised. */
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {centreOf, withCentre} from '../../src/codecs/centre.js';
import {HeatmapCodec} from '../../src/codecs/heatmap.js';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import {applyAffine, regionToRaster} from '../../src/data/transforms/affine.js';
import {keypointsInInput} from '../../src/data/transforms/keypoints.js';

const INPUT = [64, 48] as const;
const SETS = ['coco17', 'mpii16'].map(loadKeypointSet);

const keypoint = fc.tuple(
  fc.double({min: 100, max: 300, noNaN: true}),
  fc.double({min: 100, max: 300, noNaN: true}),
  fc.constantFrom(0, 1, 2),
);
const region = fc.record({
  center: fc.tuple(
    fc.double({min: 180, max: 220, noNaN: true}),
    fc.double({min: 180, max: 220, noNaN: true}),
  ),
  rotation: fc.double({min: -90, max: 90, noNaN: true}),
});

describe.each(SETS)('the centre of $name', ({names, flipPairs}) => {
  it('is the labelled keypoints’ mean in the image, taken through crop, rotation and flip', () => {
    const people = fc.array(keypoint, {minLength: names.length, maxLength: names.length});
    fc.assert(
      fc.property(
        people,
        region,
        fc.boolean(),
        fc.constantFrom('plain', 'udp'),
        (points, view, flipped, how) => {
          const toInput = regionToRaster({...view, size: [300, 400]}, INPUT, how as 'plain' | 'udp', flipped);
          const inInput = keypointsInInput(points.flat(), toInput, flipped ? flipPairs : null);
          const found = withCentre(inInput).slice(-3);
          const labelled = points.filter(([, , visibility]) => visibility > 0);
          if (labelled.length === 0) {
            expect([...found]).toEqual([0, 0, 0]);
            return;
          }
          const mean = [0, 1].map(
            (axis) => labelled.reduce((sum, point) => sum + point[axis], 0) / labelled.length,
          );
          const [x, y] = applyAffine(toInput, mean[0], mean[1]);
          expect(found[0]).toBeCloseTo(x, 8);
          expect(found[1]).toBeCloseTo(y, 8);
          expect(found[2]).toBe(1);
        },
      ),
    );
  });

  it('has a map behind those of the keypoints, with the Gaussian at its cell and a weight of 1', () => {
    const count = names.length;
    const codec = new HeatmapCodec({
      ...{type: 'msra', input: INPUT, stride: 4, sigma: 2, keypoints: count, centre: true},
    });
    expect([codec.targets[0].shape, codec.outputs[0].shape]).toEqual([
      [16, 12, count + 1],
      [16, 12, count],
    ]);
    const points = new Float64Array(3 * count);
    points.set([8, 40, 1], 0);
    points.set([40, 8, 1], 3 * (count - 1));
    const maps = new Float32Array(2 * 16 * 12 * (count + 1)).fill(9);
    const weights = new Float32Array(2 * (count + 1)).fill(9);
    codec.encode(points, [maps], weights, 1);
    const centre = maps.slice(16 * 12 * (count + 1)).filter((_, i) => i % (count + 1) === count);
    // (24, 24) in pixels is cell (6, 6); two cells on, the Gaussian is exp(−4 / 8).
    expect(centre[6 * 12 + 6]).toBe(1);
    expect(centre[6 * 12 + 8]).toBeCloseTo(Math.exp(-0.5), 6);
    const own = [...weights.slice(count + 1)];
    expect(own).toEqual([1, ...Array(count - 2).fill(0), 1, 1]);
    expect([...weights.slice(0, count + 1)].every((weight) => weight === 9)).toBe(true);
  });

  it('is not decoded', () => {
    const count = names.length;
    const codec = new HeatmapCodec({
      ...{type: 'msra', input: INPUT, stride: 4, sigma: 2, keypoints: count, centre: true},
    });
    const maps = new Float32Array(16 * 12 * count);
    maps[(5 * 12 + 7) * count + count - 1] = 1;
    const {coordinates, scores} = codec.decode([maps], 1);
    expect([coordinates.length, scores.length]).toEqual([2 * count, count]);
    expect([...coordinates.slice(-2)]).toEqual([28, 20]);
  });
});

it('nobody without labelled keypoints has a centre', () => {
  expect(centreOf([5, 5, 0, 7, 7, 0])).toBeNull();
  expect(centreOf([5, 5, 0, 7, 9, 1])).toEqual([7, 9]);
});
