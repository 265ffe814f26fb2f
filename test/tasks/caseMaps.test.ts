/** @file Maps of what a network gave: heatmaps as they are, SimCC's bins as products of their axes. */
import {describe, expect, it} from 'vitest';
import {createCodec} from '../../src/codecs/create.js';
import {mapsOf} from '../../src/tasks/caseMaps.js';

const KEYPOINTS = 2;

describe('maps of a sample', () => {
  it('are its heatmaps, where there are some', () => {
    const codec = createCodec({type: 'msra', input: [8, 12], stride: 4, sigma: 1, keypoints: KEYPOINTS});
    const outputs = Float32Array.from({length: 2 * 6 * KEYPOINTS}, (_, i) => i);
    const {heatmaps, shape} = mapsOf(codec, [outputs], 1);
    expect(shape).toEqual([2, 3, KEYPOINTS]);
    expect([...heatmaps]).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
  });

  it('are bright where both axes of bins are highest, and dark where either is no higher than its mean', () => {
    const codec = createCodec({
      ...{type: 'simcc', input: [8, 12], splitRatio: 2, sigma: [1, 1], normalize: false},
      keypoints: KEYPOINTS,
    });
    const [x, y] = [new Float32Array(2 * KEYPOINTS * 24), new Float32Array(2 * KEYPOINTS * 16)];
    // The second sample: keypoint 0 in the third cell of x and the second of y, half as high in the first of x.
    x[2 * 24 + 17] = 4;
    x[2 * 24 + 3] = 2.125;
    y[2 * 16 + 9] = 3;
    const {heatmaps, shape} = mapsOf(codec, [x, y], 1);
    expect(shape).toEqual([2, 3, KEYPOINTS]);
    const mean = 6.125 / 24;
    const half = (2.125 - mean) / (4 - mean);
    const expected = [0, 0, 0, half, 0, 1].flatMap((value) => [value, 0]);
    expected.forEach((value, i) => {
      expect(heatmaps[i]).toBeCloseTo(value, 5);
    });
  });
});
