import {describe, expect, it} from 'vitest';
import {COCO, type CocoAnnotation} from '../../src/cocoapi/index.js';
import {pairNearest} from '../../src/metrics/posePairs.js';

/** A person of two labelled keypoints around (x, 0), unless told otherwise. */
function person(id: number, x: number, fields: Partial<CocoAnnotation> = {}): CocoAnnotation {
  const keypoints = [x, 0, 2, x, 10, 2];
  return {id, image_id: 1, category_id: 1, bbox: [x, 0, 10, 10], area: 100, keypoints, ...fields};
}

function detection(x: number, score: number, image = 1, category = 1) {
  return {image_id: image, category_id: category, keypoints: [x, 0, 1, x, 10, 1], score};
}

/** Annotation id -> x of the first keypoint that was predicted for it. */
function paired(annotations: CocoAnnotation[], results: ReturnType<typeof detection>[]) {
  const truth = new COCO({
    images: [{id: 1}, {id: 2}],
    annotations,
    categories: [
      {id: 1, name: 'person'},
      {id: 2, name: 'dog'},
    ],
  });
  const pairs = pairNearest(truth, truth.loadRes(results), [1, 2]);
  return Object.fromEntries(pairs.map(({id, predicted}) => [id, predicted?.[0] ?? null]));
}

describe('pairNearest', () => {
  it('gives every person the nearest detection, whatever its score', () => {
    expect(paired([person(1, 0), person(2, 100)], [detection(90, 0.9), detection(99, 0.1)])).toEqual({
      1: 90,
      2: 99,
    });
  });

  it('gives no detection to two people: the nearer one has it', () => {
    expect(paired([person(1, 0), person(2, 10)], [detection(9, 0.9)])).toEqual({1: null, 2: 9});
  });

  it('measures by labelled keypoints only', () => {
    const half = person(1, 0, {keypoints: [0, 0, 1, 500, 500, 0]});
    expect(paired([half], [detection(3, 0.5), detection(300, 0.9)])).toEqual({1: 3});
  });

  it('leaves out crowds and people without labelled keypoints', () => {
    const unlabelled = person(2, 0, {keypoints: [0, 0, 0, 0, 0, 0]});
    const crowd = person(3, 0, {iscrowd: 1});
    expect(paired([person(1, 50), unlabelled, crowd], [detection(0, 0.9)])).toEqual({1: 0});
  });

  it('keeps to the image and the category', () => {
    const elsewhere = person(2, 0, {image_id: 2});
    const results = [detection(7, 0.9), detection(1, 0.9, 2, 2)];
    expect(paired([person(1, 0), elsewhere], results)).toEqual({1: 7, 2: null});
  });
});
