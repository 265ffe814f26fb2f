/** @file The causes of figures that are −1 or 0 on somebody's own data: each is named, with what to do about it. */
import {describe, expect, it} from 'vitest';
import {
  COCO,
  COCOeval,
  type CocoAnnotation,
  type CocoResult,
  explainFigures,
} from '../../src/cocoapi/index.js';
import {dataset, evaluated, found, person} from './builders.js';

const anna = person(1);
const kinds = [
  {id: 1, name: 'person'},
  {id: 2, name: 'dog'},
];

describe('figures that are -1', () => {
  it.each<[string, CocoAnnotation[], RegExp]>([
    ['a file without annotations', [], /the ground truth has no annotations\. Name the file of a split/],
    ['crowds only', [person(1, {iscrowd: 1})], /all 1 annotations are crowds.*Set "iscrowd": 0/],
    [
      'num_keypoints at 0',
      [person(1, {num_keypoints: 0})],
      /"num_keypoints" is 0 for every person.*1 of 1 have labelled/,
    ],
    [
      'visibilities at 0',
      [person(1, {keypoints: [5, 5, 0, 9, 9, 0]})],
      /no keypoint of the 1 people is labelled.*Write 1 \(hidden\) or 2/,
    ],
    ['negative areas', [person(1, {area: -5})], /"area" goes from -5 to -5: write the person's area/],
  ])('are explained: %s', (_, annotations, cause) => {
    const note = explainFigures(evaluated(dataset(annotations), [], 'keypoints'));
    expect(note).toMatch(/^AP, AP50, AP75, AP_medium, AP_large, AR, .* are -1: /);
    expect(note).toMatch(cause);
  });

  it('are explained: areas of 0, which are neither medium nor large', () => {
    const note = explainFigures(evaluated(dataset([person(1, {area: 0})]), [], 'keypoints'));
    expect(note).toMatch(
      /AP_medium, AR_medium are -1: .*goes from 0 to 0: write the person's area in square/,
    );
  });

  it('are explained: images that are not those of the annotations', () => {
    const evaluator = evaluated(dataset([anna], [1, 2]), [], 'keypoints', {imgIds: [2]});
    expect(explainFigures(evaluator)).toMatch(
      /none of the 1 annotations of the ground truth belongs to one of the 1 evaluated images/,
    );
  });

  it('are explained: categories that are not those of the annotations', () => {
    const truth = {...dataset([anna]), categories: kinds};
    expect(explainFigures(evaluated(truth, [], 'keypoints', {catIds: [2]}))).toMatch(
      /the annotations have the category ids 1; evaluated is 2\. Correct "category_id"/,
    );
  });
});

describe('an AP of 0', () => {
  const anna = person(1, {bbox: [200, 100, 100, 100]});
  const bert = person(2, {image_id: 2});
  const moved = (factor: number, shift = 0): CocoResult => {
    const {keypoints = [], ...rest} = found(anna, 0.9);
    return {...rest, keypoints: keypoints.map((value, i) => (i % 3 < 2 ? value * factor + shift : value))};
  };

  it.each<[string, CocoResult[], RegExp]>([
    ['no results', [], /AP is 0: the results has no results\./],
    [
      'results on images without people',
      [{...found(anna, 0.9), image_id: 3}],
      /no result is on one of the 2 images/,
    ],
    ['normalised coordinates', [moved(0.003)], /all coordinates of the results are between 0 and 1/],
    [
      'results outside their images',
      [moved(1, 5000)],
      /all 1 results lie outside their images \(first: image 1\)/,
    ],
    [
      'keypoints somewhere else',
      [moved(1, 70)],
      /no result is like an annotation to 0\.50; the best OKS is 0\.000.*order/,
    ],
  ])('is explained: %s', (_, results, cause) => {
    expect(explainFigures(evaluated(dataset([anna, bert], [1, 2, 3]), results, 'keypoints'))).toMatch(cause);
  });

  it('is explained: results of another category', () => {
    const truth = {...dataset([anna]), categories: kinds};
    const results = [{...found(anna, 0.9), category_id: 2}];
    expect(explainFigures(evaluated(truth, results, 'keypoints'))).toMatch(
      /the results have "category_id" 2, the annotations 1\. Give both the same/,
    );
  });

  it('is explained: results of images that are not evaluated', () => {
    const evaluator = evaluated(dataset([anna, bert], [1, 2]), [found(bert, 0.9)], 'keypoints', {
      imgIds: [1],
    });
    expect(explainFigures(evaluator)).toMatch(
      /none of the 1 results belongs to one of the 1 evaluated images/,
    );
  });

  it('is explained: areas that are no areas', () => {
    const tiny = {...anna, area: 0.5};
    expect(explainFigures(evaluated(dataset([tiny]), [found(anna, 0.9, 20)], 'keypoints'))).toMatch(
      /less than a hundredth of the boxes \(annotation 1: area 0\.5, box 100 x 100\)/,
    );
  });

  it('is explained: twenty better scores on the same image', () => {
    const strangers = Array.from({length: 20}, () => found(anna, 0.9, 300));
    const evaluator = evaluated(dataset([anna]), [...strangers, found(anna, 0.1)], 'keypoints');
    expect(explainFigures(evaluator)).toMatch(/not among the 20 of an image with the best scores/);
  });

  it('is explained for boxes too', () => {
    const results = [{image_id: 1, category_id: 1, bbox: [290, 190, 100, 100], score: 1}];
    expect(explainFigures(evaluated(dataset([anna]), results, 'bbox'))).toMatch(/the best IoU is 0\.005/);
  });
});

describe('what is amiss besides', () => {
  it('is told: an annotation with the id 0', () => {
    const medium = person(2, {bbox: [300, 0, 50, 50]});
    const note = explainFigures(evaluated(dataset([person(0), medium]), [found(medium, 0.9)], 'keypoints'));
    expect(note).toMatch(/^the ground truth: an annotation has the id 0, .*Number annotations from 1\.$/);
  });

  it('is nothing where all figures are measured', () => {
    const medium = person(2, {bbox: [300, 0, 50, 50]});
    const evaluator = evaluated(dataset([anna, medium]), [found(anna, 0.9)], 'keypoints');
    expect(explainFigures(evaluator)).toBeNull();
  });

  it('is told before: an annotation without an area', () => {
    const {area: _, ...rest} = anna;
    const annotations = [rest as CocoAnnotation];
    expect(() => new COCO(dataset(annotations), 'truth.json')).toThrow(
      /truth\.json: annotations\[0\] \(id 1\): "area": expected number: the area in square pixels.*that of the box/,
    );
  });

  it('is told before: another number of keypoints than sigmas', () => {
    const coco = new COCO(dataset([anna]), 'truth.json');
    expect(() => new COCOeval(coco, coco.loadRes([]), 'keypoints').evaluate()).toThrow(
      /params\.kptOksSigmas has 17 sigmas/,
    );
  });
});
