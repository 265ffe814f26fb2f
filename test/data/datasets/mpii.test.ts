/** @file MPII as the HRNet repository has it: the box that HRNet would cut out, joints from 0 on, and every fault. */
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {configSchema} from '../../../src/config/schema.js';
import {openDataset} from '../../../src/data/datasets/index.js';
import {RULES, type RuleName} from '../../../src/data/datasets/rules.js';
import {boxToRegion} from '../../../src/data/transforms/region.js';
import {CocoFolder} from '../cocoFolder.js';
import {MPII16, numberedSet} from '../keypointSets.js';

let folder: CocoFolder;
beforeAll(async () => {
  folder = await CocoFolder.create();
});
afterAll(() => folder.remove());

const set = numberedSet('three', 3);

/** A person of half the usual size on one.png. */
const person = (changes: object = {}) => ({
  image: 'one.png',
  center: [31, 21],
  scale: 0.1,
  joints: [
    [20, 10],
    [30, 20],
    [40, 30],
  ],
  joints_vis: [1, 0, 1],
  headbox: [21, 11, 31, 21],
  ...changes,
});

async function open(people: readonly unknown[], {maxBadFraction = 1} = {}) {
  await folder.write('annotations.json', people);
  return openDataset(folder.config({type: 'mpii', maxBadFraction}), 'train', set);
}

describe('a person of MPII', () => {
  it('is counted from 0 on, with unlabelled joints at the origin', async () => {
    const {people, ranges} = await open([person()]);
    expect(people[0]).toMatchObject({imageId: 1, annotationId: 1, keypoints: [19, 9, 2, 0, 0, 0, 39, 29, 2]});
    expect(people[0]).toMatchObject({headBox: [20, 10, 10, 10]});
    expect(people[0]).not.toHaveProperty('imageSize');
    expect(ranges).toEqual([{name: join(folder.root, 'annotations.json'), start: 0, count: 1, weight: 1}]);
  });

  // mpii.py: c[1] += 15 s; s *= 1.25; c -= 1; the square that the network sees has sides of 200 s.
  it('is cut out where HRNet cuts it out', async () => {
    const {people} = await open([person({center: [100, 80], scale: 2})]);
    const {center, size} = boxToRegion(people[0].box, 1, 1.25);
    expect(center).toEqual([99, 109]);
    expect(size).toEqual([500, 500]);
  });

  it('shares an image by its name, and has the row of the file as its id', async () => {
    const all = [person(), person({image: 'two.png'}), person({scale: -1}), person()];
    const {people, imageIds, groundTruth} = await open(all);
    expect(people.map(({imageId, annotationId}) => [imageId, annotationId])).toEqual([
      [1, 1],
      [1, 4],
      [2, 2],
    ]);
    expect(imageIds).toEqual([1, 2]);
    expect(groundTruth().annotations.map(({id, head_box}) => [id, head_box])).toEqual(
      [1, 2, 4].map((id) => [id, [20, 10, 10, 10]]),
    );
  });

  it.each<[string, object | null, RuleName, RegExp]>([
    ['a scale of −1', {scale: -1}, 'scaleMissing', /"scale" is -1/],
    ['a centre of −1', {center: [-1, -1]}, 'scaleMissing', /"center" is \[-1,-1\]/],
    ['no centre', {center: undefined}, 'annotationMalformed', /"center" is missing/],
    ['text for a scale', {scale: '1'}, 'annotationMalformed', /"scale" is "1"/],
    ['no image', {image: ''}, 'annotationMalformed', /"image" is ""/],
    ['no joints', {joints: undefined}, 'keypointsMissing', /"joints" is missing/],
    ['no visibilities', {joints_vis: undefined}, 'keypointsMissing', /"joints_vis" is missing/],
    ['joints of another set', {joints: [[1, 1]]}, 'keypointCount', /1 joints and 3 visibilities; expected 3/],
    ['a joint of one number', {joints: [[1, 2], [3], [4, 5]]}, 'annotationMalformed', /joint 1 is \[3\]/],
    ['a visibility of 2', {joints_vis: [1, 2, 1]}, 'visibility', /visibility of joint 1 is 2/],
    ['nothing at all', null, 'annotationMalformed', /it is null/],
    ['nobody labelled', {joints_vis: [0, 0, 0]}, 'unlabelled', /^$/],
    ['an image that is not there', {image: 'three.png'}, 'imageMissing', /not in/],
  ])('is left out and counted: %s', async (_, changes, rule, detail) => {
    const {people, findings} = await open([person(), changes && person(changes)]);
    expect(people.map(({annotationId}) => annotationId)).toEqual([1]);
    expect(findings.of(rule)).toHaveLength(1);
    expect(findings.of(rule)[0].detail).toMatch(detail);
    if (RULES[rule].isBad)
      await expect(open([person(), changes && person(changes)], {maxBadFraction: 0.4})).rejects.toMatchObject(
        {exitCode: 3},
      );
  });

  it.each([
    ['none', undefined],
    ['an empty one', [5, 5, 5, 9]],
    ['three numbers', [5, 5, 9]],
  ])('is trained on without a head box, and noted: %s', async (_, headbox) => {
    const {people, findings} = await open([person({headbox})]);
    expect(people[0]).not.toHaveProperty('headBox');
    expect(findings.of('headBoxMissing').map(({record}) => record)).toEqual(['people[0]']);
  });

  it('beyond the image’s corner is noted', async () => {
    const joints = [
      [0.5, 10],
      [-5, -5],
      [40, 30],
    ];
    const {findings} = await open([person({joints})]);
    expect(findings.of('keypointOutside')).toEqual([{record: 'people[0]', detail: '1 of 2'}]);
  });
});

it('a file of another format is refused', async () => {
  await folder.write('annotations.json', {images: []});
  const config = folder.config({type: 'mpii'});
  await expect(openDataset(config, 'train', set)).rejects.toThrow(/expected a list of people/);
});

const reference = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'data', 'mpii');
describe.skipIf(!existsSync(reference))('real MPII (needs the reference data)', () => {
  it('gives every person of the validation file, with the joints that are labelled', async () => {
    const split = {annotations: 'annot/valid.json', images: 'images'};
    const config = configSchema.shape.dataset.parse({
      type: 'mpii',
      root: reference,
      train: split,
      val: split,
      onMissing: 'skip',
    });
    const {people, findings, imageCount, summary} = await openDataset(config, 'val', MPII16);
    const file = JSON.parse(readFileSync(join(reference, 'annot/valid.json'), 'utf8')) as {
      image: string;
      joints_vis: number[];
    }[];
    const present = file.filter(({image}) => existsSync(join(reference, 'images', image)));
    expect(imageCount).toBe(5);
    expect(people).toHaveLength(present.length);
    expect(findings.of('headBoxMissing')).toHaveLength(2958);
    const missing = new Set(file.map(({image}) => image)).size - 5;
    expect(summary.rejected).toEqual([
      {reason: 'image missing on disk, skipped', count: missing, first: expect.any(String)},
    ]);
    const labelled = people.flatMap(({keypoints}) => keypoints.filter((v, i) => i % 3 === 2 && v > 0)).length;
    expect(labelled).toBe(present.flatMap(({joints_vis}) => joints_vis.filter(Boolean)).length);
  });

  // The fixture's head boxes were taken from the same .mat file by other means.
  const fixture = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'fixtures/pckh/mpii_valid_gt.json');
  it('takes head boxes and joints from gt_valid.mat, and names the people whose joints differ', async () => {
    const val = {annotations: 'annot/valid.json', images: 'images', headBoxes: 'annot/gt_valid.mat'};
    const values = {type: 'mpii', root: reference, train: val, val, onMissing: 'skip'};
    const {findings, groundTruth} = await openDataset(
      configSchema.shape.dataset.parse(values),
      'val',
      MPII16,
    );
    const {head_boxes: boxes, gt_joints: joints} = JSON.parse(readFileSync(fixture, 'utf8')) as {
      head_boxes: number[][][];
      gt_joints: number[][][];
    };
    const {annotations} = groundTruth();
    expect(annotations).toHaveLength(5);
    for (const {id, head_box, keypoints} of annotations) {
      const [x, y] = joints[id - 1][9];
      expect(keypoints[27]).toBeCloseTo(x - 1, 2);
      expect(keypoints[28]).toBeCloseTo(y - 1, 2);
      const [[left, top], [right, bottom]] = boxes[id - 1];
      const expected = [left - 1, top - 1, right - left, bottom - top];
      head_box!.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 3);
      });
    }
    expect(findings.of('headBoxMissing')).toEqual([]);
    // Counted from the fixture and valid.json with a few lines of Python.
    expect(findings.of('jointsDiffer')).toHaveLength(10);
    expect(findings.of('jointsDiffer')[0]).toEqual({record: 'people[682]', detail: 'by up to 286.0 pixels'});
    const train = configSchema.shape.dataset.parse({
      ...values,
      val: {...val, annotations: 'annot/sample5.json'},
    });
    await expect(openDataset(train, 'val', MPII16)).rejects.toThrow(
      /head boxes of 2958 people, and the annotations have 5/,
    );
  });

  it('refuses a gt_valid.mat that is cut short, wherever', async () => {
    const bytes = readFileSync(join(reference, 'annot/gt_valid.mat'));
    for (const part of [0, 0.0001, 0.3, 0.7, 0.99]) {
      const file = join(folder.root, 'cut.mat');
      writeFileSync(file, bytes.subarray(0, Math.floor(part * bytes.length)));
      const val = {annotations: 'annot/valid.json', images: 'images', headBoxes: file};
      const config = configSchema.shape.dataset.parse({type: 'mpii', root: reference, train: val, val});
      await expect(openDataset(config, 'val', MPII16)).rejects.toMatchObject({kind: 'data'});
    }
  });

  it('refuses head boxes that are none', async () => {
    const val = {annotations: 'annot/valid.json', images: 'images', headBoxes: 'annot/valid.json'};
    const config = configSchema.shape.dataset.parse({type: 'mpii', root: reference, train: val, val});
    await expect(openDataset(config, 'val', MPII16)).rejects.toThrow(
      /valid\.json: cannot be read as a MAT file/,
    );
  });
});
