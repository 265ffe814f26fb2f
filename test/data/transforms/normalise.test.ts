/** @file Normalisation: ImageNet's statistics, and the way back. */
import {describe, expect, it} from 'vitest';
import {denormalised, normalise} from '../../../src/data/transforms/normalise.js';

describe('normalise', () => {
  it('is (level / 255 − mean) / deviation of each channel, in its own part of the output', () => {
    const output = new Float32Array(9).fill(7);
    normalise(Uint8Array.of(255, 128, 0), output, 3);
    const expected = [7, 7, 7, (1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, -0.406 / 0.225, 7, 7, 7];
    output.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 5);
    });
  });

  it('is undone exactly for every level', () => {
    const levels = Uint8Array.from({length: 768}, (_, i) => Math.floor(i / 3));
    const output = new Float32Array(768);
    normalise(levels, output);
    expect(denormalised(output)).toEqual(levels);
  });
});
