/** @file COCOeval against a slow evaluator written from the definition, on small random scenes full of special cases. */
import {describe, expect, it} from 'vitest';
import type {CocoAnnotation, CocoResult} from '../../src/cocoapi/index.js';
import {type RandomStream, stream} from '../../src/random.js';
import {dataset, evaluated} from './builders.js';
import {type PlainSettings, plainFigure, plainIou, plainOks} from './plainEvaluator.js';

const SCENES = 60;
const SIGMAS = [0.05, 0.12];
const THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];
const ALL = [0, 1e10] as const;
const MEDIUM = [1024, 9216] as const;
const LARGE = [9216, 1e10] as const;

/** Coarse positions and scores, so that equal scores, equal similarities and exact hits are frequent. */
function scene(random: RandomStream) {
  const imageIds = [7, 3, 5].slice(0, 1 + random.integer(3));
  const annotations = imageIds.flatMap((image) =>
    Array.from({length: random.integer(5)}, () => randomTruth(random, image)),
  );
  const truths = annotations.map((annotation, i) => ({...annotation, id: i + 1}));
  const near = truths.flatMap((truth) =>
    Array.from({length: random.integer(3)}, () => randomResult(random, truth.image_id, truth)),
  );
  const strays = imageIds.flatMap((image) =>
    Array.from({length: random.integer(random.chance(0.2) ? 30 : 3)}, () => randomResult(random, image)),
  );
  return {truth: dataset(truths, imageIds), results: [...near, ...strays]};
}

function randomTruth(random: RandomStream, image: number): CocoAnnotation {
  const bbox = [
    10 * random.integer(8),
    10 * random.integer(8),
    random.pick([20, 32, 96, 200]),
    random.pick([32, 96]),
  ];
  const keypoints = [0, 1].flatMap(() => {
    const visibility = random.integer(3);
    return visibility
      ? [bbox[0] + 10 * random.integer(4), bbox[1] + 10 * random.integer(4), visibility]
      : [0, 0, 0];
  });
  const iscrowd = random.chance(0.15) ? 1 : 0;
  const area = bbox[2] * bbox[3] * random.pick([0.5, 1]);
  return {id: 0, image_id: image, category_id: 1, bbox, area, iscrowd, keypoints};
}

function randomResult(random: RandomStream, image: number, near?: CocoAnnotation): CocoResult {
  const jitter = () => (near ? random.pick([0, 0, 1, 4]) : 10 * random.integer(8));
  const start = near?.keypoints ?? [0, 0, 1, 20, 60, 1];
  const keypoints = start.map((value, i) => (i % 3 === 2 ? value : value + jitter()));
  const bbox = (near?.bbox ?? [0, 0, 40, 60]).map((value) => value + jitter());
  return {image_id: image, category_id: 1, keypoints, bbox, score: (1 + random.integer(6)) / 10};
}

const KEYPOINT_FIGURES = [
  ['AP', 'AP', THRESHOLDS, ALL],
  ['AP50', 'AP', [0.5], ALL],
  ['AP75', 'AP', [0.75], ALL],
  ['AP_medium', 'AP', THRESHOLDS, MEDIUM],
  ['AP_large', 'AP', THRESHOLDS, LARGE],
  ['AR', 'AR', THRESHOLDS, ALL],
  ['AR50', 'AR', [0.5], ALL],
  ['AR75', 'AR', [0.75], ALL],
  ['AR_medium', 'AR', THRESHOLDS, MEDIUM],
  ['AR_large', 'AR', THRESHOLDS, LARGE],
] as const;

describe('COCOeval agrees with a plain evaluator', () => {
  it('on keypoints with ties, crowds, unlabelled people and too many detections', () => {
    let measured = 0;
    for (let index = 0; index < SCENES; index++) {
      const {truth, results: both} = scene(stream(11, 'keypoints', 0, index));
      const results = both.map(({bbox: _, ...result}) => result);
      const stats = evaluated(truth, results, 'keypoints', {kptOksSigmas: SIGMAS}).statsObject();
      const settings: PlainSettings = {
        similarity: plainOks(SIGMAS),
        isIgnored: ({iscrowd, keypoints}) =>
          iscrowd === 1 || !keypoints!.some((v, i) => i % 3 === 2 && v > 0),
        detectionArea: ({keypoints: [x0, y0, , x1, y1] = []}) => Math.abs(x1 - x0) * Math.abs(y1 - y0),
        maxDets: 20,
      };
      for (const [name, kind, thresholds, area] of KEYPOINT_FIGURES) {
        const expected = plainFigure(truth, results, settings, {kind, thresholds, area});
        expect(stats[name], `${name} of scene ${index}`).toBeCloseTo(expected, 9);
        if (expected > 0 && expected < 1) measured++;
      }
    }
    expect(measured).toBeGreaterThan(SCENES);
  });

  it('on boxes, at one, ten and a hundred detections an image', () => {
    for (let index = 0; index < SCENES; index++) {
      const {truth, results: both} = scene(stream(11, 'boxes', 0, index));
      const results = both.map(({keypoints: _, ...result}) => result);
      const stats = evaluated(truth, results, 'bbox').statsObject();
      const figure = (kind: 'AP' | 'AR', area: readonly [number, number], maxDets: number) => {
        const detectionArea = ({bbox = []}: CocoResult) => bbox[2] * bbox[3];
        const isIgnored = ({iscrowd}: CocoAnnotation) => iscrowd === 1;
        const settings = {similarity: plainIou, isIgnored, detectionArea, maxDets};
        return plainFigure(truth, results, settings, {kind, thresholds: THRESHOLDS, area});
      };
      expect(stats.AP, `AP of scene ${index}`).toBeCloseTo(figure('AP', ALL, 100), 9);
      expect(stats.AP_small, `AP_small of scene ${index}`).toBeCloseTo(figure('AP', [0, 1024], 100), 9);
      expect(stats.AR1, `AR1 of scene ${index}`).toBeCloseTo(figure('AR', ALL, 1), 9);
      expect(stats.AR10, `AR10 of scene ${index}`).toBeCloseTo(figure('AR', ALL, 10), 9);
      expect(stats.AR_large, `AR_large of scene ${index}`).toBeCloseTo(figure('AR', LARGE, 100), 9);
    }
  });
});
