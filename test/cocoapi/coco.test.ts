import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {COCO} from '../../src/cocoapi/index.js';
import {UserError} from '../../src/errors.js';
import {dataset, person} from './builders.js';

describe('queries', () => {
  const coco = new COCO({
    images: [{id: 9}, {id: 4}, {id: 6}],
    categories: [
      {id: 1, name: 'person', supercategory: 'human', keypoints: ['head', 'foot']},
      {id: 2, name: 'dog', supercategory: 'animal'},
    ],
    annotations: [
      person(11, {image_id: 4}),
      person(12, {image_id: 9, area: 400}),
      person(13, {image_id: 4, iscrowd: 1}),
      person(14, {image_id: 4, category_id: 2, keypoints: undefined}),
    ],
  });

  it('find annotations by image, category, area and crowd', () => {
    expect(coco.getAnnIds()).toEqual([11, 12, 13, 14]);
    expect(coco.getAnnIds({imgIds: [4, 9]})).toEqual([11, 13, 14, 12]);
    expect(coco.getAnnIds({imgIds: 4, catIds: 1})).toEqual([11, 13]);
    expect(coco.getAnnIds({iscrowd: false, catIds: [1]})).toEqual([11, 12]);
    expect(coco.getAnnIds({iscrowd: true})).toEqual([13]);
    expect(coco.getAnnIds({areaRng: [399, 401]})).toEqual([12]);
    expect(coco.getAnnIds({areaRng: [400, 10000]})).toEqual([]);
    expect(coco.getAnnIds({imgIds: 6})).toEqual([]);
  });

  it('find categories and images', () => {
    expect(coco.getCatIds()).toEqual([1, 2]);
    expect(coco.getCatIds({catNms: 'dog'})).toEqual([2]);
    expect(coco.getCatIds({supNms: ['human', 'animal'], catIds: 1})).toEqual([1]);
    expect(coco.getImgIds()).toEqual([9, 4, 6]);
    expect(coco.getImgIds({catIds: 1})).toEqual([9, 4]);
    expect(coco.getImgIds({catIds: [1, 2]})).toEqual([4]);
    expect(coco.getImgIds({imgIds: [6, 9], catIds: 1})).toEqual([9]);
  });

  it('load records by one id or many', () => {
    expect(coco.loadAnns([13, 11]).map(({id}) => id)).toEqual([13, 11]);
    expect(coco.loadCats(2)[0].name).toBe('dog');
    expect(coco.loadImgs(6)).toEqual([{id: 6}]);
    expect(() => coco.loadImgs(7)).toThrow('no image with the id 7');
  });
});

describe('loadRes', () => {
  const coco = new COCO(dataset([person(1)]));

  it('gives keypoints the box and area of their extent, and ids from 1', () => {
    const result = {image_id: 1, category_id: 1, keypoints: [30, 5, 0.9, 10, 45, 0.1], score: 0.7};
    const [first, second] = coco.loadRes([result, result]).dataset.annotations;
    expect(first).toEqual({...result, id: 1, iscrowd: 0, bbox: [10, 5, 20, 40], area: 800});
    expect(second.id).toBe(2);
    expect(result).not.toHaveProperty('id');
  });

  it('takes the area of boxes from the boxes, also where there are keypoints', () => {
    const result = {
      image_id: 1,
      category_id: 1,
      bbox: [1, 2, 30, 4],
      keypoints: [0, 0, 1, 9, 9, 1],
      score: 0.7,
    };
    expect(coco.loadRes([result]).dataset.annotations[0]).toMatchObject({
      bbox: [1, 2, 30, 4],
      area: 120,
      id: 1,
    });
  });

  it('tolerates other classes of a detector, but not results of unknown classes only', () => {
    const known = {image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], score: 1};
    expect(coco.loadRes([{...known, category_id: 18}, known]).getAnnIds()).toEqual([1, 2]);
    expect(() => coco.loadRes([{...known, category_id: 0}])).toThrow(/"category_id": 0, .* 1 \(person\)/);
  });
});

describe('files that are wrong', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cocoapi-'));
  });
  afterAll(() => rmSync(folder, {recursive: true}));

  const write = (content: unknown): string => {
    const file = join(folder, 'file.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const good = dataset([person(1), person(2)]);
  const broken = (fields: object) => ({...good, annotations: [person(1), {...person(2), ...fields}]});

  it.each([
    ['no JSON', '{"images": [', /is not JSON .* download or write it again/],
    ['a list at the root', [], /expected an object .* give it to loadRes/],
    ['no annotations', {images: [], categories: []}, /has no list "annotations"/],
    ['no images', {annotations: [], categories: []}, /has no list "images"/],
    ['no categories', {images: [], annotations: []}, /has no list "categories"/],
    ['a record that is null', {...good, annotations: [null]}, /annotations\[0\]: .*expected object/],
    [
      'an image without id',
      {...good, images: [{file_name: 'a.jpg'}]},
      /images\[0\]: "id": .*expected number/,
    ],
    ['two annotations with one id', broken({id: 1}), /annotations\[1\] \(id 1\): an earlier record/],
    [
      'an unknown image',
      broken({image_id: 8}),
      /annotations\[1\] \(id 2\): "image_id": image 8 is not in "images"/,
    ],
    ['an unknown category', broken({category_id: 8}), /annotations\[1\] \(id 2\): "category_id": category 8/],
    [
      'too few keypoints',
      broken({keypoints: [1, 2, 2]}),
      /annotations\[1\] \(id 2\): "keypoints": it has 3 numbers; expected 6/,
    ],
    ['no area', broken({area: undefined}), /annotations\[1\] \(id 2\): "area": .*expected number/],
    ['a box of three numbers', broken({bbox: [1, 2, 3]}), /annotations\[1\] \(id 2\): "bbox": /],
  ])('with %s are refused: the file and the record are named', async (_, content, message) => {
    const file = write(content);
    const error = await COCO.fromFile(file).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({kind: 'data', message: expect.stringMatching(message)});
    expect((error as UserError).message.startsWith(`${file}: `)).toBe(true);
  });

  it('and cannot be found are a data error', async () => {
    await expect(COCO.fromFile(join(folder, 'none.json'))).rejects.toMatchObject({kind: 'data'});
    expect(() => new COCO(good).loadRes(join(folder, 'none.json'))).toThrow(/none\.json: cannot be read/);
  });

  const result = {image_id: 1, category_id: 1, keypoints: [1, 2, 0.5, 3, 4, 0.5], score: 0.5};
  it.each([
    ['no list', {results: []}, /expected a list of results/],
    [
      'an unknown image',
      [result, {...result, image_id: 77}],
      /results\[1\]: "image_id": image 77 is not in truth\.json/,
    ],
    [
      'too many keypoints',
      [{...result, keypoints: [1, 2, 3, 1, 2, 3, 1, 2, 3]}],
      /results\[0\]: "keypoints": it has 9 numbers; expected 6 \(x, y and score of 2 keypoints\)/,
    ],
    ['no score', [{...result, score: null}], /results\[0\]: "score": /],
    ['neither keypoints nor box', [{image_id: 1, category_id: 1, score: 1}], /results\[0\]: "keypoints": /],
  ])('as results with %s are refused likewise', (_, content, message) => {
    const file = write(content);
    const load = () => new COCO(good, 'truth.json').loadRes(file);
    expect(load).toThrow(UserError);
    expect(load).toThrow(message);
    expect(load).toThrow(file);
  });
});
