import {describe, expect, it} from 'vitest';
import {keypointSimilarities} from '../../src/metrics/oks.js';

const box = [0, 0, 100, 100];
const truth = [10, 10, 2, 20, 20, 1];

describe('the similarities by keypoint', () => {
  it("are OKS's own terms", () => {
    // 5 pixels off at an area of 10,000: 0.951161 for sigma 0.079, 0.629847 for sigma 0.026.
    const predicted = [15, 10, 1, 20, 25, 1];
    const pairs = [{id: 1, truth, predicted, box, area: 1e4}];
    const {a, b} = keypointSimilarities(pairs, ['a', 'b'], [0.079, 0.026]);
    expect(a.OKS).toBeCloseTo(0.951161, 6);
    expect(b.OKS).toBeCloseTo(0.629847, 6);
    expect(a).toMatchObject({labelled: 1, 'OKS>.50': 1, 'OKS>.75': 1, error: 0.05});
    expect(b).toMatchObject({'OKS>.50': 1, 'OKS>.75': 0, error: 0.05});
  });

  it('are 0 for people who were not found, of whom there is no error', () => {
    const found = {id: 1, truth, predicted: truth, box, area: 1e4};
    const {a} = keypointSimilarities([found, {...found, predicted: null}], ['a', 'b'], [0.1, 0.1]);
    expect(a).toEqual({labelled: 2, OKS: 0.5, 'OKS>.50': 0.5, 'OKS>.75': 0.5, error: 0});
  });

  it('are -1 where nobody has the keypoint', () => {
    const {a} = keypointSimilarities([], ['a'], [0.1]);
    expect(a).toEqual({labelled: 0, OKS: -1, 'OKS>.50': -1, 'OKS>.75': -1, error: -1});
  });
});
