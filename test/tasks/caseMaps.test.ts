/** @file Maps of what a network gave: heatmaps as they are, SimCC's bins as products of their axes. */
import {describe, expect, it} from 'vitest';
import {codecSpec, createCodec} from '../../src/codecs/create.js';
import type {ModelConfig} from '../../src/config/modelSchema.js';
import {mapsOf} from '../../src/tasks/caseMaps.js';
import {HEATMAP_HEAD, SIMCC_HEAD} from '../models/configs.js';

const KEYPOINTS = 2;

function taskOf(head: ModelConfig['head']) {
  const config = {input: [8, 12] as [number, number], head};
  return {config, codec: createCodec(codecSpec(config, 4, KEYPOINTS))};
}

describe('maps of a sample', () => {
  it('are its heatmaps, where there are some', () => {
    const outputs = Float32Array.from({length: 2 * 6 * KEYPOINTS}, (_, i) => i);
    const {heatmaps, shape} = mapsOf(taskOf(HEATMAP_HEAD), [outputs], 1);
    expect(shape).toEqual([2, 3, KEYPOINTS]);
    expect([...heatmaps]).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
  });

  it('are as bright as a pair of bins is probable beside the most probable', () => {
    const [x, y] = [new Float32Array(2 * KEYPOINTS * 24), new Float32Array(2 * KEYPOINTS * 16)];
    // The second sample: keypoint 0 in the third cell of x and the second of y, in the first of x with a logit less.
    x[2 * 24 + 17] = 4;
    x[2 * 24 + 3] = 3;
    y[2 * 16 + 9] = 2;
    const {heatmaps, shape} = mapsOf(taskOf({...SIMCC_HEAD, beta: 2}), [x, y], 1);
    expect(shape).toEqual([2, 3, KEYPOINTS]);
    // Times β = 2; all bins of keypoint 1 are alike.
    const logits = [-2 - 4, -8 - 4, -4, -2, -8, 0];
    const expected = logits.flatMap((logit) => [Math.exp(logit), 1]);
    expected.forEach((value, i) => {
      expect(heatmaps[i]).toBeCloseTo(value, 5);
    });
  });
});
