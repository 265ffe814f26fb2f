import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {type BoxFile, type BoxFileOptions, readBoxes} from '../../../src/tasks/predict/boxes.js';

const folder = mkdtempSync(join(tmpdir(), 'boxes-'));
afterAll(() => rmSync(folder, {recursive: true}));

function read(content: unknown, options: Partial<BoxFileOptions> = {}): Promise<BoxFile> {
  const file = join(folder, 'boxes.json');
  writeFileSync(file, JSON.stringify(content));
  return readBoxes(file, {category: null, scoreThreshold: 0, ...options});
}

const images = [
  {id: 7, file_name: 'a.jpg'},
  {id: 8, file_name: 'day/b.jpg'},
  {id: 9, file_name: 'night/b.jpg'},
];
const person = {category_id: 3, iscrowd: 0};
const categories = [
  {id: 3, name: 'person'},
  {id: 4, name: 'dog'},
];

describe('boxes of annotations', () => {
  it('are found by the name of the image, with its folder where the name alone does not tell', async () => {
    const annotations = [
      {...person, image_id: 7, bbox: [1, 2, 3, 4]},
      {...person, image_id: 9, bbox: [5, 6, 7, 8]},
    ];
    const boxes = await read({images, categories, annotations});
    expect(boxes).toMatchObject({kind: 'annotations', categoryId: 3, flaws: []});
    expect(boxes.boxesOf('anywhere/a.jpg')).toEqual({
      imageId: 7,
      boxes: [{box: [1, 2, 3, 4], score: 1}],
    });
    expect(boxes.boxesOf('/data/night/b.jpg')?.imageId).toBe(9);
    expect(boxes.boxesOf('/data/day/b.jpg')).toEqual({imageId: 8, boxes: []});
    expect(boxes.boxesOf('c.jpg')).toBeNull();
    expect(() => boxes.boxesOf('b.jpg')).toThrow(
      /several images of this name \(day\/b\.jpg, night\/b\.jpg\)/,
    );
  });

  it('are those of people who are no crowd; the unusable ones are named', async () => {
    const annotations = [
      {...person, category_id: 4, image_id: 7, bbox: [1, 1, 1, 1]},
      {...person, iscrowd: 1, image_id: 7, bbox: [2, 2, 2, 2]},
      {...person, id: 55, image_id: 7, bbox: [3, 3, 0, 3]},
      {...person, image_id: 7, bbox: '4,4'},
      {...person, image_id: 7, bbox: [5, 5, 5, 5]},
    ];
    const boxes = await read({images, categories, annotations});
    expect(boxes.boxesOf('a.jpg')?.boxes).toEqual([{box: [5, 5, 5, 5], score: 1}]);
    expect(boxes.flaws).toEqual([
      'annotations[2] (id 55): "bbox" is [3,3,0,3], which is empty',
      'annotations[3]: "bbox" is "4,4"',
    ]);
  });

  it('need their category', async () => {
    await expect(read({images, categories, annotations: []}, {category: 'cat'})).rejects.toThrow(
      /no category "cat" \(there are: person, dog\)\. Set dataset\.category/,
    );
  });
});

describe('boxes of a detector', () => {
  const found = {category_id: 1, bbox: [1, 2, 3, 4], score: 0.9};

  it('are found by the last number in the name of the image', async () => {
    const boxes = await read([{...found, image_id: 139}]);
    expect(boxes).toMatchObject({kind: 'detections', categoryId: 1});
    expect(boxes.boxesOf('val/000000000139.jpg')).toEqual({
      imageId: 139,
      boxes: [{box: [1, 2, 3, 4], score: 0.9}],
    });
    expect(boxes.boxesOf('COCO_val2014_000000000139.png')?.imageId).toBe(139);
    expect(boxes.boxesOf('139/none.jpg')).toBeNull();
  });

  it('are those of people, with a score that suffices', async () => {
    const boxes = await read(
      [
        {...found, image_id: 1, score: 0.2},
        {...found, image_id: 1, category_id: 18},
        {...found, image_id: 1, score: 0.3},
        {...found, image_id: 1, score: 'high'},
      ],
      {scoreThreshold: 0.25},
    );
    expect(boxes.boxesOf('1.jpg')?.boxes.map(({score}) => score)).toEqual([0.3]);
    expect(boxes.flaws).toEqual(['results[3]: "score" is "high"']);
  });

  it('may have another category where it is the only one', async () => {
    const boxes = await read([{...found, category_id: 5, image_id: 1}]);
    expect(boxes.categoryId).toBe(5);
    expect(boxes.boxesOf('1.jpg')?.boxes).toHaveLength(1);
  });
});

it('anything else is refused', async () => {
  await expect(read({people: []})).rejects.toThrow(/boxes\.json: is neither COCO annotations .* nor a list/);
});
