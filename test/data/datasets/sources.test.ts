/** @file Several annotation files at once: keypoints by name, weights, and an order that depends on seed and epoch alone. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {openDataset} from '../../../src/data/datasets/index.js';
import {weightedCount, weightedOrder} from '../../../src/data/datasets/weightedOrder.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {stream} from '../../../src/random.js';
import {annotation, CocoFolder, content} from '../cocoFolder.js';

const coco17 = loadKeypointSet('coco17');
let main: CocoFolder;
let other: CocoFolder;
let threeKeypoints: string;

beforeAll(async () => {
  main = await CocoFolder.create();
  other = await CocoFolder.create();
  threeKeypoints = join(other.root, 'three.yaml');
  const rest = 'sigmas: [0.1, 0.1, 0.1]\nflipPairs: []\nskeleton: []\nupperBody: []\nlowerBody: []\n';
  writeFileSync(threeKeypoints, `names: [left_knee, thorax, nose]\n${rest}`);
  const joints = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  const person = {image: 'one.png', center: [30, 20], scale: 0.1, joints, joints_vis: [1, 1, 0]};
  const people = [
    person,
    {...person, joints_vis: [0, 1, 0]},
    {...person, image: 'two.png'},
    {...person, scale: -1},
  ];
  await other.write('people.json', people);
});
afterAll(() => Promise.all([main.remove(), other.remove()]));

const source = (changes: object = {}) => ({
  type: 'mpii',
  root: other.root,
  annotations: 'people.json',
  images: 'images',
  keypoints: threeKeypoints,
  ...changes,
});
const open = (sources: object[], changes: object = {}, split: 'train' | 'val' = 'train') =>
  openDataset(main.config({sources, maxBadFraction: 0.5, ...changes}), split, coco17);

describe('a further source', () => {
  it('gives its keypoints to those of the same name, and leaves the others unlabelled', async () => {
    const {people, imageCount, ranges, summary} = await open([source({weight: 0.5})], {weight: 2});
    const [, , first, second] = people;
    // The second of its people has nothing but a thorax, which COCO does not know.
    expect(people).toHaveLength(4);
    expect(first.imageFile).toBe(join(other.root, 'images', 'one.png'));
    expect(second.imageFile).toBe(join(other.root, 'images', 'two.png'));
    const knee = coco17.names.indexOf('left_knee');
    const expected = coco17.names.flatMap((_, k) => (k === knee ? [0, 1, 2] : [0, 0, 0]));
    expect(first.keypoints).toEqual(expected);
    expect(imageCount).toBe(4);
    expect(ranges).toEqual([
      {name: join(main.root, 'annotations.json'), start: 0, count: 2, weight: 2},
      {name: join(other.root, 'people.json'), start: 2, count: 2, weight: 0.5},
    ]);
    expect(summary.rejected).toEqual([
      {
        reason: 'centre or scale is not positive',
        count: 1,
        first: `${join(other.root, 'people.json')}: people[3]`,
      },
    ]);
  });

  it('gives its keypoints to those that the map names, and none where it says null', async () => {
    const {people} = await open([source({map: {right_ear: 'thorax', left_knee: null}})]);
    const ear = coco17.names.indexOf('right_ear');
    expect(people).toHaveLength(5);
    for (const {keypoints} of people.slice(2)) {
      expect(keypoints).toEqual(coco17.names.flatMap((_, k) => (k === ear ? [2, 3, 2] : [0, 0, 0])));
    }
  });

  it('takes no part in validation, nor in the ground truth', async () => {
    expect((await open([source()], {}, 'val')).people).toHaveLength(2);
    const {groundTruth, imageIds} = await open([source()]);
    expect(groundTruth().annotations).toHaveLength(2);
    expect(imageIds).toEqual([1, 2]);
  });

  it('may be a second file of the same format and keypoints', async () => {
    const value = {...content(), annotations: [annotation(5, 2)]};
    await other.write('annotations.json', value);
    const {people} = await open([
      source({type: 'coco', annotations: 'annotations.json', keypoints: 'coco17'}),
    ]);
    expect(people.map(({annotationId}) => annotationId)).toEqual([11, 12, 5]);
    expect(people[2].keypoints).toEqual(annotation(5, 2).keypoints);
  });

  it.each<[string, object, number, RegExp]>([
    [
      'a keypoint that the target does not have',
      {map: {thorax: 'nose'}},
      2,
      /dataset\.sources\.0\.map: "thorax" is not a keypoint of coco17/,
    ],
    [
      'a keypoint that it does not have itself',
      {map: {nose: 'chin'}},
      2,
      /dataset\.sources\.0\.map\.nose: "chin" is not a keypoint of three/,
    ],
    ['no keypoint in common', {map: {left_knee: null, nose: null}}, 2, /no keypoint of three has the name/],
    [
      'no folder',
      {root: '/nowhere'},
      3,
      /dataset\.sources\.0\.annotations: .*dataset\.sources\.0\.root=\/nowhere does not exist/,
    ],
    ['too many bad records', {annotations: 'bad.json'}, 3, /bad\.json: 1 of 1 annotations are bad/],
  ])('with %s is refused', async (_, changes, exitCode, message) => {
    await other.write('bad.json', [{image: 'one.png', scale: -1, center: [1, 1]}]);
    await expect(open([source(changes)])).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(message),
    });
  });
});

describe('the order of an epoch', () => {
  const range = (start: number, count: number, weight: number) => ({name: `${start}`, start, count, weight});
  const ranges = [range(0, 10, 1), range(10, 20, 0.25), range(30, 4, 2.5), range(34, 0, 3), range(34, 5, 0)];
  /** How often each of 39 people is seen. */
  const seen = (order: Uint32Array) =>
    Array.from({length: 39}, (_, i) => order.filter((at) => at === i).length);

  it('is the plain permutation where every weight is 1', () => {
    const plain = [range(0, 30, 1), range(30, 70, 1)];
    expect(weightedOrder(plain, 7, 3, true)).toEqual(stream(7, 'order', 3).permutation(100));
    expect(weightedOrder(plain, 7, 3, false)).toEqual(Uint32Array.from({length: 100}, (_, i) => i));
  });

  it('shows each source as often as its weight says', () => {
    expect(weightedCount(ranges)).toBe(10 + 5 + 10);
    for (const shuffle of [true, false]) {
      const counts = seen(weightedOrder(ranges, 1, 0, shuffle));
      expect(counts.slice(0, 10)).toEqual(new Array(10).fill(1));
      expect(counts.slice(10, 30).sort()).toEqual([...new Array(15).fill(0), ...new Array(5).fill(1)]);
      expect(counts.slice(30, 34).sort()).toEqual([2, 2, 3, 3]);
      expect(counts.slice(34)).toEqual([0, 0, 0, 0, 0]);
    }
  });

  it('depends on seed and epoch alone, and shows other people in each epoch', () => {
    expect(weightedOrder(ranges, 1, 4, true)).toEqual(weightedOrder(ranges, 1, 4, true));
    const epochs = Array.from({length: 40}, (_, epoch) => seen(weightedOrder(ranges, 1, epoch, true)));
    expect(new Set(epochs.map((counts) => counts.join())).size).toBe(40);
    const total = epochs[0].map((_, i) => epochs.reduce((sum, counts) => sum + counts[i], 0));
    // Each of the twenty in a quarter of forty epochs, give or take four standard deviations.
    for (const count of total.slice(10, 30)) expect(Math.abs(count - 10)).toBeLessThan(11);
  });
});
