import {describe, expect, it} from 'vitest';
import {oksNms, poseSimilarity, type ScoredPose, softOksNms} from '../../src/metrics/nms.js';

const SIGMAS = [0.079, 0.026];

function pose(x: number, score: number, area = 1e4): ScoredPose {
  return {
    keypoints: [
      [x, 0, 1],
      [x, 50, 1],
    ],
    score,
    area,
  };
}

describe('poseSimilarity', () => {
  it('is the mean of the keypoints OKS terms', () => {
    // 5 pixels apart at an area of 10,000: 0.951161 for sigma 0.079, 0.629847 for sigma 0.026.
    expect(poseSimilarity(pose(0, 1), pose(5, 1), SIGMAS)).toBeCloseTo((0.951161 + 0.629847) / 2, 6);
  });

  it('takes the mean of both areas', () => {
    const expected = poseSimilarity(pose(0, 1), pose(5, 1), SIGMAS);
    expect(poseSimilarity(pose(0, 1, 4000), pose(5, 1, 16000), SIGMAS)).toBeCloseTo(expected, 12);
  });

  it('does not ask for the scores of keypoints', () => {
    const unsure: ScoredPose = {
      ...pose(5, 1),
      keypoints: [
        [5, 0, 0],
        [5, 50, 0],
      ],
    };
    expect(poseSimilarity(pose(0, 1), unsure, SIGMAS)).toBe(poseSimilarity(pose(0, 1), pose(5, 1), SIGMAS));
  });

  it('is 1 for equal poses without area', () => {
    expect(poseSimilarity(pose(3, 1, 0), pose(3, 1, 0), SIGMAS)).toBe(1);
  });
});

describe('oksNms', () => {
  const [best, near, far] = [pose(0, 0.9), pose(5, 0.8), pose(300, 0.7)];

  it('keeps the best of similar poses, by falling score', () => {
    expect(oksNms([far, near, best], 0.7, SIGMAS)).toEqual([best, far]);
  });

  it('keeps poses up to the threshold itself', () => {
    const similarity = poseSimilarity(best, near, SIGMAS);
    expect(oksNms([best, near], similarity, SIGMAS)).toEqual([best, near]);
    expect(oksNms([best, near], similarity - 1e-9, SIGMAS)).toEqual([best]);
  });

  it('is not hindered by poses that were themselves suppressed', () => {
    // b is like a and c is like b, but c is not like a.
    const [a, b, c] = [pose(0, 0.9), pose(5, 0.8), pose(10, 0.7)];
    expect(oksNms([a, b, c], 0.7, SIGMAS)).toEqual([a, c]);
  });

  it('takes the later of equal scores first', () => {
    const [first, second] = [pose(0, 0.5), pose(1, 0.5)];
    expect(oksNms([first, second], 0.9, SIGMAS)).toEqual([second]);
  });

  it('keeps nobody of nobody', () => {
    expect(oksNms([], 0.9, SIGMAS)).toEqual([]);
  });
});

describe('softOksNms', () => {
  it('lets similar poses fall behind others, and keeps their scores', () => {
    // The twin is as like the best as can be: 0.8 · exp(−1 / 0.9) = 0.263, behind the far one.
    const [best, twin, far] = [pose(0, 0.9), pose(0, 0.8), pose(900, 0.3)];
    expect(softOksNms([best, twin, far], 0.9, SIGMAS)).toEqual([best, far, twin]);
    expect(softOksNms([best, twin, far], 0.9, SIGMAS)[2].score).toBe(0.8);
  });

  it('falls by the square of the similarity', () => {
    // Similarity 0.790504 (see above): 0.8 · exp(−0.790504² / 0.9) = 0.39953.
    const [best, near] = [pose(0, 0.9), pose(5, 0.8)];
    const behind = pose(900, 0.3996);
    const before = pose(900, 0.3994);
    expect(softOksNms([best, near, behind], 0.9, SIGMAS)).toEqual([best, behind, near]);
    expect(softOksNms([best, near, before], 0.9, SIGMAS)).toEqual([best, near, before]);
  });

  it('falls once more with every pose that is chosen', () => {
    // a twice, b twice: after both firsts, the second of each has fallen once.
    const [a, a2, b, b2] = [pose(0, 0.9), pose(0, 0.89), pose(900, 0.5), pose(900, 0.49)];
    expect(softOksNms([a, a2, b, b2], 0.9, SIGMAS)).toEqual([a, b, a2, b2]);
    const a3 = pose(0, 0.88);
    // a3 has fallen by a and a2: 0.88 · exp(−2 / 0.9) = 0.095 against b2's 0.49 · exp(−1 / 0.9) = 0.161.
    expect(softOksNms([a, a2, a3, b, b2], 0.9, SIGMAS)).toEqual([a, b, a2, b2, a3]);
  });

  it('keeps twenty people and no more', () => {
    const crowd = Array.from({length: 30}, (_, i) => pose(1000 * i, 0.9 - i / 100));
    expect(softOksNms(crowd, 0.9, SIGMAS)).toEqual(crowd.slice(0, 20));
  });

  it('keeps nobody of nobody', () => {
    expect(softOksNms([], 0.9, SIGMAS)).toEqual([]);
  });
});
