/** @file COCO datasets: who is taken, who is left out and why, and every error that a user can cause. */
import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {configSchema} from '../../../src/config/schema.js';
import {openDataset} from '../../../src/data/datasets/index.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {UserError} from '../../../src/errors.js';
import {annotation, type CocoContent, CocoFolder, content} from '../cocoFolder.js';

const coco17 = loadKeypointSet('coco17');
let folder: CocoFolder;
beforeEach(async () => {
  folder = await CocoFolder.create();
});
afterEach(() => folder.remove());

/** Opens the training split after one change of the annotation file. */
async function openWith(change: (value: CocoContent) => void, config: Record<string, unknown> = {}) {
  const value = content();
  change(value);
  await folder.write('annotations.json', value);
  return openDataset(folder.config(config), 'train', coco17);
}

describe('annotated people', () => {
  it('come with the box cleaned as in HRNet: inside the image and a pixel smaller', async () => {
    const {people} = await openWith(({annotations}) => {
      annotations[0].bbox = [-4, 5, 30, 40];
      annotations[1].bbox = [40, 20, 60, 60];
    });
    expect(people.map(({box}) => box)).toEqual([
      [0, 5, 29, 39],
      [40, 20, 23, 27],
    ]);
    expect(people[0]).toMatchObject({imageId: 1, annotationId: 11, score: 1, imageSize: [64, 48]});
    expect(people[0].imageFile).toBe(join(folder.root, 'images', 'one.png'));
  });

  it('are grouped by image in the order of the images', async () => {
    const {people} = await openWith((value) => {
      value.annotations = [annotation(21, 2), annotation(22, 1), annotation(23, 2)];
    });
    expect(people.map(({annotationId}) => annotationId)).toEqual([22, 21, 23]);
  });

  it.each([
    ['crowd', {iscrowd: 1}],
    ['area is not positive', {area: 0}],
    ['box outside the image', {bbox: [70, 5, 10, 10]}],
    ['box is empty or a single point', {bbox: [10, 5, 1, 1]}],
    ['box is empty or a single point', {bbox: [10, 5, -7, 0]}],
    ['no labelled keypoints', {keypoints: new Array(51).fill(0)}],
  ])('are left out and counted: %s', async (reason, changes) => {
    const change = ({annotations}: CocoContent) => Object.assign(annotations[1], changes);
    const {people, summary} = await openWith(change, {maxBadFraction: 1});
    expect(people).toHaveLength(1);
    expect(summary.rejected).toEqual([{reason, count: 1, first: 'annotations[1] (id 12)'}]);
  });

  it('of other categories are not people', async () => {
    const {people, summary} = await openWith((value) => {
      value.categories.push({id: 2, name: 'bicycle'});
      value.annotations.push(annotation(13, 1, {category_id: 2, keypoints: undefined}));
    });
    expect(people).toHaveLength(2);
    expect(summary.rejected).toEqual([]);
  });

  it('are those of the first images with a limit', async () => {
    const {people, imageIds, imageCount} = await openWith(() => {}, {limit: 1});
    expect([people.length, imageIds, imageCount]).toEqual([1, [1], 1]);
  });

  it('on images that are missing are dropped and counted with onMissing=skip', async () => {
    await rm(join(folder.root, 'images', 'one.png'));
    const {people, imageIds, summary} = await openWith(() => {}, {onMissing: 'skip'});
    expect(people.map(({imageId}) => imageId)).toEqual([2]);
    expect(imageIds).toEqual([2]);
    expect(summary.rejected).toEqual([
      {reason: 'image missing on disk, skipped', count: 1, first: 'one.png'},
    ]);
  });
});

describe('detected people', () => {
  const detection = (imageId: number, changes = {}) => ({
    image_id: imageId,
    category_id: 1,
    bbox: [10, 5, 20, 30],
    score: 0.9,
    ...changes,
  });
  const open = (config = {}) =>
    openDataset(folder.config({useGroundTruthBoxes: false, ...config}), 'val', coco17);

  it('have the detector’s box as it is, its score, and no keypoints', async () => {
    await folder.write('detections.json', [detection(2, {bbox: [-5, -5, 500, 20]})]);
    const {people} = await open();
    expect(people[0]).toMatchObject({imageId: 2, annotationId: null, box: [-5, -5, 500, 20], score: 0.9});
    expect(people[0].keypoints).toEqual(new Array(51).fill(0));
  });

  it('are left out below the threshold, on unknown images, with empty boxes, and if they are not people', async () => {
    await folder.write('detections.json', [
      detection(1, {score: 0.5}),
      detection(1, {score: 0.49}),
      detection(99),
      detection(99),
      detection(2, {bbox: [1, 1, 0, 5]}),
      detection(2, {category_id: 3}),
    ]);
    const {people, summary} = await open({detectionScoreThreshold: 0.5});
    expect(people.map(({score}) => score)).toEqual([0.5]);
    expect(summary.rejected.map(({count, first}) => [count, first])).toEqual([
      [2, 'image 99'],
      [1, 'image 1'],
      [1, 'image 2'],
    ]);
  });

  it('take no part in training, and none in validation where ground truth is asked for', async () => {
    const config = folder.config({useGroundTruthBoxes: false});
    const train = await openDataset(config, 'train', coco17);
    const val = await openDataset(config, 'val', coco17, {useGroundTruthBoxes: true});
    expect([train.people[0].annotationId, val.people[0].annotationId]).toEqual([11, 11]);
  });

  it('need a file that is named, there, and a list of detections', async () => {
    await expect(open()).rejects.toThrow(/dataset\.val\.detections: .*detections\.json does not exist/);
    await folder.write('detections.json', {});
    await expect(open()).rejects.toThrow(/expected a list/);
    await folder.write('detections.json', [detection(1), {...detection(1), score: null}]);
    await expect(open()).rejects.toThrow(
      /1 of 2 detections are bad.*first: detections\[1\], "score" is null/,
    );
    const val = {annotations: 'annotations.json', images: 'images'};
    await expect(open({val})).rejects.toThrow(/names no file/);
  });
});

describe('errors', () => {
  it.each<[string, (value: CocoContent) => unknown, RegExp]>([
    ['no category of people', ({categories}) => categories.splice(0, 1), /categories: there is none/],
    ['no categories', (value) => Object.assign(value, {categories: undefined}), /no list "categories"/],
    ['no images', (value) => Object.assign(value, {images: undefined}), /no list "images"/],
    ['images by name', (value) => Object.assign(value, {images: {one: 1}}), /no list "images"/],
    [
      'nobody to train on',
      ({annotations}) => annotations.map((a) => Object.assign(a, {iscrowd: 1})),
      /no usable people.*crowd: 2 \(first: annotations\[0\] \(id 11\)\)/,
    ],
    [
      'an empty list',
      (value) => Object.assign(value, {annotations: []}),
      /no usable people are left\. It lists none/,
    ],
  ])('name the file: %s', async (_, change, message) => {
    const error = await openWith(change).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(3);
    expect((error as UserError).message).toMatch(message);
    expect((error as UserError).message).toContain(join(folder.root, 'annotations.json'));
  });

  it('say where the dataset should be if the root is wrong, or the file in it', async () => {
    const wrong = folder.config({root: '/nowhere/coco'});
    await expect(openDataset(wrong, 'train', coco17)).rejects.toThrow(
      /dataset\.root=\/nowhere\/coco does not exist/,
    );
    await rm(join(folder.root, 'annotations.json'));
    await expect(openDataset(folder.config(), 'train', coco17)).rejects.toThrow(
      /dataset\.train\.annotations: .*data\/README/,
    );
  });

  it('count the images that are missing and name the first', async () => {
    await rm(join(folder.root, 'images', 'one.png'));
    await rm(join(folder.root, 'images', 'two.png'));
    await expect(openWith(() => {})).rejects.toThrow(
      /2 of its images are listed but missing .*first: one\.png.*onMissing=skip/,
    );
  });

  it('cover images in subfolders', async () => {
    const inside = ({images}: CocoContent) => Object.assign(images[0], {file_name: 'sub/one.png'});
    await expect(openWith(inside)).rejects.toThrow(/1 of its images .*first: sub\/one\.png/);
  });
});

const reference = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'data', 'coco');
describe.skipIf(!existsSync(reference))('real COCO (needs the reference data)', () => {
  const split = (name: string) => ({
    annotations: `annotations/person_keypoints_${name}2017.json`,
    images: `images/${name}2017`,
    detections: 'person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
  });
  const config = configSchema.shape.dataset.parse({
    root: reference,
    train: split('train'),
    val: split('val'),
  });

  it('gives as many people as a count of the annotation files does', async () => {
    const train = await openDataset(config, 'train', coco17);
    const val = await openDataset(config, 'val', coco17);
    const detected = await openDataset(config, 'val', coco17, {useGroundTruthBoxes: false});
    expect([train.imageCount, train.people.length]).toEqual([111, 310]);
    expect([val.imageCount, val.people.length]).toEqual([34, 113]);
    expect(detected.people).toHaveLength(685);
  });
});
