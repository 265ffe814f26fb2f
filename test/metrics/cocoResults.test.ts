import {describe, expect, it} from 'vitest';
import {type PersonPrediction, personScore, toCocoResults} from '../../src/metrics/cocoResults.js';

const OPTIONS = {
  keypointThreshold: 0.2,
  rescore: true,
  nms: 'oks' as const,
  oksNms: 0.9,
  sigmas: [0.05, 0.05, 0.05],
};

function prediction(imageId: number, x: number, scores: number[], boxScore = 0.5): PersonPrediction {
  const keypoints = scores.map((score, k) => [x, 20 * k, score] as const);
  return {imageId, keypoints, boxScore, area: 1e4};
}

describe('personScore', () => {
  it('is the box score times the mean of the keypoint scores above the threshold', () => {
    expect(personScore(prediction(1, 0, [0.9, 0.6, 0.1]), 0.2)).toBeCloseTo(0.5 * 0.75, 12);
  });

  it('leaves out scores at the threshold itself', () => {
    expect(personScore(prediction(1, 0, [0.8, 0.2, 0.2]), 0.2)).toBeCloseTo(0.5 * 0.8, 12);
  });

  it('is 0 where no keypoint is above the threshold', () => {
    expect(personScore(prediction(1, 0, [0.2, 0.1, 0]), 0.2)).toBe(0);
  });
});

describe('toCocoResults', () => {
  it('writes records of the COCO format', () => {
    expect(toCocoResults([prediction(7, 10, [0.9, 0.6, 0.1])], OPTIONS)).toEqual([
      {image_id: 7, category_id: 1, keypoints: [10, 0, 0.9, 10, 20, 0.6, 10, 40, 0.1], score: 0.375},
    ]);
  });

  it('suppresses a person found twice in an image by the new scores, not by those of the boxes', () => {
    const blurred = prediction(7, 11, [0.3, 0.3, 0.3], 0.9);
    const sharp = prediction(7, 10, [0.9, 0.9, 0.9], 0.8);
    const results = toCocoResults([blurred, sharp, prediction(7, 400, [0.5, 0.5, 0.5])], OPTIONS);
    expect(results.map(({keypoints}) => keypoints[0])).toEqual([10, 400]);
    expect(results[0].score).toBeCloseTo(0.72, 12);
  });

  it('keeps the scores of the boxes where rescoring is off', () => {
    const unsure = prediction(7, 10, [0.3, 0.3, 0.3], 0.9);
    const [result] = toCocoResults([unsure], {...OPTIONS, rescore: false});
    expect(result.score).toBe(0.9);
  });

  it('keeps people found twice where suppression is off, and orders them', () => {
    const twice = [prediction(7, 10, [0.5, 0.5, 0.5]), prediction(7, 10, [0.9, 0.9, 0.9])];
    const scores = (nms: 'oks' | 'softOks' | 'none') =>
      toCocoResults(twice, {...OPTIONS, nms}).map(({score}) => score);
    expect(scores('none')).toEqual([0.45, 0.25]);
    expect(scores('softOks')).toEqual([0.45, 0.25]);
    expect(scores('oks')).toEqual([0.45]);
  });

  it('compares people of the same image only, and keeps the order of the images', () => {
    const results = toCocoResults([prediction(9, 10, [1, 1, 1]), prediction(2, 10, [1, 1, 1])], OPTIONS);
    expect(results.map(({image_id: image}) => image)).toEqual([9, 2]);
  });

  it('passes on a category other than person', () => {
    expect(toCocoResults([{...prediction(1, 0, [1, 1, 1]), categoryId: 5}], OPTIONS)[0].category_id).toBe(5);
  });
});
