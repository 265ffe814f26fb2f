import {createHash} from 'node:crypto';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {USUAL_CROWD} from '../../../src/data/synthetic/crowd.js';
import {makeSynthetic} from '../../../src/data/synthetic/index.js';
import {UserError} from '../../../src/errors.js';
import type {Annotation, CocoContent} from '../cocoFolder.js';

let root: string;
const folder = (name: string) => join(root, name);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'posecraft-synthetic-'));
  await makeSynthetic({out: folder('a'), images: 12, valImages: 3, seed: 5});
});

afterAll(() => rmSync(root, {recursive: true}));

/** SHA-256 of every file below a folder, by its path. */
function digests(name: string): Map<string, string> {
  const files = readdirSync(folder(name), {recursive: true, withFileTypes: true}).filter((f) => f.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  return new Map(paths.map((path) => [path.slice(folder(name).length), digest(path)]));
}

function annotations(name: string, split: string): CocoContent & {annotations: Required<Annotation>[]} {
  const file = folder(`${name}/annotations/person_keypoints_${split}2017.json`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

describe('makeSynthetic', () => {
  it('writes the same bytes again for the same seed, with any number of workers', async () => {
    const first = digests('a');
    expect(first.size).toBe(12 + 3 + 2);
    const steps: number[] = [];
    const onProgress = (done: number, total: number) => steps.push(done / total);
    await makeSynthetic({out: folder('b'), images: 12, valImages: 3, seed: 5, workers: 2, onProgress});
    expect(digests('b')).toEqual(first);
    expect(steps).toEqual(Array.from({length: 15}, (_, i) => (i + 1) / 15));
  });

  it('draws the people that it has always drawn for this seed', async () => {
    const {annotations: people} = await annotations('a', 'train');
    const known = people.slice(0, 3).map(({bbox, area, keypoints}) => [bbox, area, keypoints!.slice(0, 3)]);
    expect(known).toEqual([
      [[71, 4, 107, 255], 11055, [130.66, 38.84, 2]],
      [[147, 54, 135, 202], 8868, [227.96, 88.8, 2]],
      [[150, 63, 95, 205], 5778, [192.24, 79.76, 2]],
    ]);
  });

  it('annotates MPII’s keypoints on the same pictures, with cameras and joints in space', async () => {
    await makeSynthetic({out: folder('h'), images: 3, valImages: 1, seed: 5, keypoints: 'mpii16'});
    const pictures = (name: string) => [...digests(name)].filter(([path]) => /train.*00[123].jpg/.test(path));
    expect(pictures('h')).toEqual(pictures('a'));
    const file = folder('h/annotations/person_keypoints_train2017.json');
    const {images, annotations: people, categories} = JSON.parse(readFileSync(file, 'utf8'));
    const set = loadKeypointSet('mpii16');
    expect(categories[0].keypoints).toEqual(set.names);
    expect(categories[0].skeleton).toEqual(set.skeleton.map(({ends}) => ends.map((end) => end + 1)));
    for (const {keypoints, keypoints_3d, image_id} of people) {
      const {focal, center} = images[image_id - 1].camera;
      expect([keypoints.length, keypoints_3d.length]).toEqual([48, 16]);
      keypoints_3d.forEach(([x, y, z]: number[], k: number) => {
        if (keypoints[3 * k + 2] === 0) return;
        expect(Math.abs(center[0] + (focal[0] * x) / z - keypoints[3 * k])).toBeLessThan(0.05);
        expect(Math.abs(center[1] + (focal[1] * y) / z - keypoints[3 * k + 1])).toBeLessThan(0.05);
      });
    }
  });

  it('draws crowds with any number of workers, in which people hide each other', async () => {
    const crowd = {out: folder('i'), images: 6, valImages: 1, seed: 5, crowd: USUAL_CROWD};
    const {people} = await makeSynthetic(crowd);
    expect(people).toBeGreaterThanOrEqual(2 * 7);
    const first = digests('i');
    await makeSynthetic({...crowd, workers: 2});
    expect(digests('i')).toEqual(first);
    const hidden = (name: string) => {
      const file = folder(`${name}/annotations/person_keypoints_train2017.json`);
      const visibilities = JSON.parse(readFileSync(file, 'utf8')).annotations.flatMap(
        ({keypoints}: {keypoints: number[]}) => keypoints.filter((_, i) => i % 3 === 2),
      );
      const count = (visibility: number) => visibilities.filter((v: number) => v === visibility).length;
      return count(1) / (count(1) + count(2));
    };
    expect(hidden('i')).toBeGreaterThan(2 * hidden('a'));
  });

  it('draws other people for another seed, and for validation', async () => {
    await makeSynthetic({out: folder('c'), images: 3, valImages: 3, seed: 6});
    const pictures = (name: string) => [...digests(name)].filter(([path]) => path.endsWith('.jpg'));
    const all = [...pictures('a'), ...pictures('c')].map(([, digest]) => digest);
    expect(new Set(all).size).toBe(12 + 3 + 3 + 3);
  });

  it('does not change a picture when more are made, and makes 15% for validation', async () => {
    const {images} = await makeSynthetic({out: folder('d'), images: 14, seed: 5});
    expect(images).toBe(14 + 2);
    const [few, many] = [digests('a'), digests('d')];
    const path = '/images/train2017/000000000007.jpg';
    expect(few.get(path)).toBeDefined();
    expect(many.get(path)).toBe(few.get(path));
  });

  it('leaves no older annotations beside new pictures when it is cut short', async () => {
    await makeSynthetic({out: folder('g'), images: 1, seed: 5});
    const onProgress = () => {
      throw new Error('cut short');
    };
    const cut = makeSynthetic({out: folder('g'), images: 1, seed: 6, onProgress});
    await expect(cut).rejects.toThrow('cut short');
    expect(readdirSync(folder('g/annotations'))).toEqual([]);
    expect(readdirSync(folder('g/images/train2017'))).toHaveLength(1);
  });

  it('says how many people and which files there are', async () => {
    const result = await makeSynthetic({out: folder('e'), images: 2, seed: 5});
    const [train, val] = ['train', 'val'].map((split) => annotations('e', split));
    expect(result.people).toBe(train.annotations.length + val.annotations.length);
    expect(result.annotationFiles).toEqual([
      folder('e/annotations/person_keypoints_train2017.json'),
      folder('e/annotations/person_keypoints_val2017.json'),
    ]);
  });

  it('annotates people as COCO does', async () => {
    const {images, annotations: people} = annotations('a', 'train');
    expect(images).toHaveLength(12);
    expect(people.length).toBeGreaterThanOrEqual(12);
    const sizes = new Map(images.map(({id, width, height}) => [id, {width, height}]));
    for (const {image_id, bbox, area, keypoints} of people) {
      const {width, height} = sizes.get(image_id)!;
      const [x, y, w, h] = bbox;
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(x + w).toBeLessThanOrEqual(width);
      expect(y + h).toBeLessThanOrEqual(height);
      // A body fills between an eighth (arms spread) and nine tenths of its box.
      expect(area / (w * h)).toBeGreaterThan(0.125);
      expect(area / (w * h)).toBeLessThan(0.9);
      for (let i = 0; i < 51; i += 3) {
        const [kx, ky, v] = keypoints.slice(i, i + 3);
        if (v === 0) expect([kx, ky]).toEqual([0, 0]);
        else {
          expect(kx >= x - 1 && kx <= x + w + 1 && kx < width, `x ${kx} in ${bbox}`).toBe(true);
          expect(ky >= y - 1 && ky <= y + h + 1 && ky < height, `y ${ky} in ${bbox}`).toBe(true);
        }
      }
    }
  });

  it('counts the labelled keypoints and names them as the keypoint set does', () => {
    const file = folder('a/annotations/person_keypoints_train2017.json');
    const {annotations: people, categories} = JSON.parse(readFileSync(file, 'utf8'));
    for (const {keypoints, num_keypoints, iscrowd, segmentation, category_id} of people) {
      const labelled = keypoints.filter((value: number, i: number) => i % 3 === 2 && value > 0);
      expect(num_keypoints).toBe(labelled.length);
      expect({iscrowd, segmentation, category_id}).toEqual({iscrowd: 0, segmentation: [], category_id: 1});
    }
    expect(categories[0].keypoints).toEqual(loadKeypointSet('coco17').names);
    expect(categories[0].skeleton).toHaveLength(19);
  });

  it('writes pictures of the size that is annotated', async () => {
    const {images} = annotations('a', 'val');
    for (const {file_name, width, height} of images) {
      const picture = await sharp(folder(`a/images/val2017/${file_name}`)).metadata();
      expect([picture.width, picture.height, picture.channels]).toEqual([width, height, 3]);
    }
  });

  it('refuses numbers that make no sense, and a folder that cannot be made', async () => {
    const make = (options: object) => makeSynthetic({out: folder('f'), images: 1, seed: 1, ...options});
    await expect(make({images: 0})).rejects.toThrow(/images is 0/);
    await expect(make({workers: 1.5})).rejects.toThrow(/workers is 1.5/);
    await expect(make({seed: Number.NaN})).rejects.toThrow(/seed is NaN/);
    await expect(make({keypoints: 'hand21'})).rejects.toThrow(/hand21: the drawn people have no wrist/);
    const crowd = (people: number[], overlap: number[]) => make({crowd: {people, overlap}});
    await expect(crowd([0, 2], [0, 0.5])).rejects.toThrow(/people-per-image is 0/);
    await expect(crowd([3, 2], [0, 0.5])).rejects.toThrow(/people-per-image is 2/);
    await expect(crowd([2, 3], [0.5, 0.95])).rejects.toThrow(/overlap is 0.5 to 0.95/);
    await expect(crowd([2, 3], [0.5, 0.4])).rejects.toThrow(/overlap is 0.5 to 0.4/);
    writeFileSync(folder('file'), '');
    const blocked = make({out: folder('file')});
    await expect(blocked).rejects.toBeInstanceOf(UserError);
    await expect(blocked).rejects.toThrow(/cannot be made/);
  });
});
