/** @file COCOeval against the plain evaluator, on any scene that fast-check can think of. */
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {CocoAnnotation, CocoResult} from '../../src/cocoapi/index.js';
import {FIGURES} from '../../src/cocoapi/summary.js';
import {evaluated} from './builders.js';
import {type PlainSettings, plainFigure, plainIou, plainOks} from './plainEvaluator.js';
import {type Scene, scenes} from './scenes.js';

const SIGMAS = [0.05, 0.12, 0.3];
/** numpy's linspace: its 0.9 is 0.8999999999999999, and in these scenes a similarity may lie between. */
const THRESHOLDS = Array.from({length: 10}, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9)));
const AREAS: Readonly<Record<string, readonly [number, number]>> = {
  all: [0, 1e10],
  small: [0, 1024],
  medium: [1024, 9216],
  large: [9216, 1e10],
};
const RUNS = {numRuns: 50, seed: 1};

function extent({keypoints = []}: CocoResult): number {
  const axis = (first: 0 | 1) => keypoints.filter((_, i) => i % 3 === first);
  const length = (values: number[]) => Math.max(...values) - Math.min(...values);
  return length(axis(0)) * length(axis(1));
}

function isUnlabelled({num_keypoints: labelled, keypoints = []}: CocoAnnotation): boolean {
  return labelled === undefined ? !keypoints.some((v, i) => i % 3 === 2 && v > 0) : labelled === 0;
}

const PLAIN = {
  keypoints: {
    similarity: plainOks(SIGMAS),
    isIgnored: (truth: CocoAnnotation) => truth.iscrowd === 1 || isUnlabelled(truth),
    detectionArea: extent,
  },
  bbox: {
    similarity: plainIou,
    isIgnored: ({iscrowd}: CocoAnnotation) => iscrowd === 1,
    detectionArea: ({bbox = []}: CocoResult) => bbox[2] * bbox[3],
  },
} as const;

function resultsFor(kind: 'keypoints' | 'bbox', {results}: Scene): CocoResult[] {
  return results.map(({bbox, keypoints, ...result}) =>
    kind === 'bbox' ? {...result, bbox} : {...result, keypoints},
  );
}

/** The mean of the categories that have something to find. */
function overCategories(
  scene: Scene,
  results: readonly CocoResult[],
  settings: PlainSettings,
  figure: Parameters<typeof plainFigure>[3],
): number {
  const values = scene.truth.categories
    .map(({id}) => {
      const own = ({category_id: category}: {category_id: number}) => category === id;
      const truth = {...scene.truth, annotations: scene.truth.annotations.filter(own)};
      return plainFigure(truth, results.filter(own), settings, figure);
    })
    .filter((value) => value !== -1);
  return values.length === 0 ? -1 : values.reduce((a, b) => a + b, 0) / values.length;
}

/** All annotations and results as if of one category; pycocotools takes category after category. */
function pooled(scene: Scene): Scene {
  const sorted = <T extends {category_id: number}>(list: readonly T[]) =>
    [...list].sort((a, b) => a.category_id - b.category_id).map((record) => ({...record, category_id: 1}));
  const categories = scene.truth.categories.filter(({id}) => id === 1);
  return {
    truth: {...scene.truth, annotations: sorted(scene.truth.annotations), categories},
    results: sorted(scene.results),
  };
}

function compare(kind: 'keypoints' | 'bbox', scene: Scene, useCats: boolean): number {
  const stats: Readonly<Record<string, number>> = evaluated(scene.truth, resultsFor(kind, scene), kind, {
    kptOksSigmas: SIGMAS,
    useCats,
  }).statsObject();
  const plain = useCats ? scene : pooled(scene);
  const results = resultsFor(kind, plain);
  for (const {name, kind: measure, threshold, area, maxDets} of FIGURES[kind]) {
    const thresholds = threshold === null ? THRESHOLDS : [threshold];
    const figure = {kind: measure, thresholds, area: AREAS[area]};
    const expected = overCategories(plain, results, {...PLAIN[kind], maxDets}, figure);
    expect(Math.abs(stats[name] - expected), `${name}: ${stats[name]}, plainly ${expected}`).toBeLessThan(
      1e-9,
    );
  }
  return stats.AP;
}

describe('COCOeval and the plain evaluator agree to 1e-9', () => {
  it.each([
    ['keypoints', true],
    ['bbox', true],
    ['bbox', false],
    ['keypoints', false],
  ] as const)('on every figure of %s (categories told apart: %s)', (kind, useCats) => {
    const measured = new Set<number>();
    fc.assert(
      fc.property(scenes, (scene) => {
        measured.add(compare(kind, scene, useCats));
      }),
      RUNS,
    );
    // Not only 0 and 1: the scenes are as difficult as they are meant to be.
    expect(measured.size).toBeGreaterThan(10);
  });
});

describe('the figures do not depend', () => {
  it('on the order of the images and of the annotations of different images', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const {truth} = scene;
        const stats = (annotations: readonly CocoAnnotation[], images = truth.images) =>
          evaluated({...truth, annotations, images}, resultsFor('bbox', scene), 'bbox').statsObject();
        const byImage = [...truth.annotations].sort((a, b) => a.image_id - b.image_id);
        expect(stats(byImage, [...truth.images].reverse())).toEqual(stats(truth.annotations));
      }),
      {numRuns: 30, seed: 1},
    );
  });
});
