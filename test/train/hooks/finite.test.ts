/** @file The guard against a loss that is no number. */
import {describe, expect, it} from 'vitest';
import {finiteLoss} from '../../../src/train/hooks/finite.js';

describe('finiteLoss', () => {
  it.each([0, 1e-30, -3, 1e30])('gives %j back', (loss) => {
    expect(finiteLoss(loss, 0)).toBe(loss);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('ends the run at %j', (loss) => {
    expect(() => finiteLoss(loss, 9)).toThrow(
      expect.objectContaining({
        kind: 'diverged',
        message: expect.stringMatching(`became ${loss} at step 10`),
      }),
    );
  });
});
