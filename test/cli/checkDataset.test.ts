/** @file `pose-data check` as a user runs it: what it prints, what it writes, and how it ends. */
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {CocoFolder, content} from '../data/cocoFolder.js';
import {runCommandLine} from './process.js';

let folder: CocoFolder;
beforeAll(async () => {
  folder = await CocoFolder.create();
  const value = content();
  const more = {one: 'torn.png', two: 'small.png'};
  value.images.push(
    {id: 3, file_name: more.one, width: 64, height: 48},
    {id: 4, file_name: more.two, width: 99, height: 48},
  );
  value.annotations.push({...value.annotations[0], id: 13, iscrowd: 1}, {...value.annotations[0], id: 13});
  await folder.write('faulty.json', value);
  const image = readFileSync(join(folder.root, 'images', 'one.png'));
  writeFileSync(join(folder.root, 'images', 'torn.png'), image.subarray(0, image.length - 20));
  writeFileSync(join(folder.root, 'images', 'small.png'), image);
});
afterAll(() => folder.remove());

const check = (...args: string[]) => runCommandLine('pose-data', ['check', ...args], folder.root);
const files = (annotations: string) => ['--annotations', annotations, '--keypoints', 'coco17'];
const report = (name = 'data-report.json') => JSON.parse(readFileSync(join(folder.root, name), 'utf8'));

describe('pose-data check', () => {
  it('is content with a dataset that is fine', async () => {
    const {code, stdout} = await check(...files('annotations.json'), '--images', 'images');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /annotations\.json: 2 images, 2 annotations; 2 people to train on\n {2}0 % bad, 0\.1 % allowed: fine\n/,
    );
    expect(report()).toMatchObject({isFine: true, files: [{people: 2, badFraction: 0, rules: []}]});
  });

  it('counts every fault, names every record, and ends with 3', async () => {
    const {code, stdout} = await check(...files('faulty.json'), '--images', 'images', '--out', 'faults.json');
    expect(code).toBe(3);
    expect(stdout).toMatch(/1 {2}bad {7}image cannot be decoded \(torn\.png: the image is damaged/);
    expect(stdout).toMatch(
      /1 {2}bad {7}image has another size than stated \(small\.png: it is 64x48, not 99x48\)/,
    );
    expect(stdout).toMatch(/1 {2}bad {7}annotation id is used twice \(annotations\[3\] \(id 13\)\)/);
    expect(stdout).toMatch(/1 {2}left out {2}crowd \(annotations\[2\] \(id 13\)\)/);
    expect(stdout).toMatch(/50 % bad, 0\.1 % allowed: too many/);
    const {
      isFine,
      files: [{counts, rules}],
    } = report('faults.json');
    expect({isFine, counts}).toEqual({isFine: false, counts: {images: 4, annotations: 4}});
    expect(
      rules.map(({rule, action, bad, count}: Record<string, unknown>) => [rule, action, bad, count]),
    ).toEqual([
      ['imageUndecodable', 'reject', true, 1],
      ['imageSize', 'reject', true, 1],
      ['annotationIdTwice', 'reject', true, 1],
      ['crowd', 'reject', false, 1],
    ]);
    expect(rules[1].records).toEqual([{record: 'small.png', detail: 'it is 64x48, not 99x48'}]);
  });

  it('decodes nothing with --no-images', async () => {
    const {code, stdout} = await check(...files('faulty.json'), '--no-images');
    expect(code).toBe(3);
    expect(stdout).not.toMatch(/decoded|size/);
  });

  it('takes both splits, the detections and the limit of bad records from a configuration', async () => {
    const recipe = join(import.meta.dirname, '../../experiments/synthetic/demo.yaml');
    const split = 'images: images, detections: boxes.json';
    const dataset = `root: ${folder.root}, train: {annotations: faulty.json, ${split}}, val: {annotations: annotations.json, ${split}}`;
    await folder.write('boxes.json', [
      {image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], score: 0.5},
      {image_id: 1},
    ]);
    await folder.write('run.yaml', `extends: ${recipe}\ndataset: {${dataset}}\n`);
    const all = await check('--cfg', 'run.yaml', 'dataset.maxBadFraction=0.5');
    expect(all.code).toBe(0);
    expect(report().files.map(({counts}: {counts: object}) => counts)).toEqual([
      {images: 4, annotations: 4, detections: 2},
      {images: 2, annotations: 2, detections: 2},
    ]);
    expect(all.stdout).toMatch(/detection record is malformed \(detections\[1\]: "category_id" is missing\)/);
    const val = await check('--cfg', 'run.yaml', '--split', 'val', '--no-images');
    expect(val.code).toBe(3);
    expect(report().files).toHaveLength(1);
  });

  it.each([
    ['nothing to check', [], /give --cfg FILE, or --annotations/],
    [
      'annotations without a keypoint set',
      ['--annotations', 'annotations.json', '--images', 'images'],
      /needs --keypoints/,
    ],
    ['annotations without images', files('annotations.json'), /--images D \(or --no-images\)/],
    [
      'a format that is none',
      [...files('annotations.json'), '--images', 'images', '--type', 'coca'],
      /dataset\.type is "coca": expected one of coco, mpii, wholebody/,
    ],
  ])('refuses %s with 2, and writes nothing', async (_, args, message) => {
    rmSync(join(folder.root, 'data-report.json'), {force: true});
    const {code, stdout, stderr} = await check(...args);
    expect({code, stdout}).toEqual({code: 2, stdout: ''});
    expect(stderr).toMatch(message);
    expect(existsSync(join(folder.root, 'data-report.json'))).toBe(false);
  });

  it('ends with 3 at a file that is of no use', async () => {
    writeFileSync(join(folder.root, 'torn.json'), '{"images": [');
    const {code, stderr} = await check(...files('torn.json'), '--no-images');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: torn\.json: is not JSON \(it ends early/);
  });
});
