import {copyFileSync, mkdirSync, writeFileSync} from 'node:fs';
import sharp from 'sharp';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {CocoKeypointResult} from '../../src/metrics/cocoResults.js';
import type {PredictionDocument} from '../../src/tasks/predict/document.js';
import {type Ended, runCommandLine} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
  const {code} = await runCommandLine('pose-train', ['--cfg', RECIPE, 'train.epochs=1'], folder.path);
  expect(code).toBe(0);
}, 120_000);
afterAll(() => folder.remove());

function predict(...args: string[]): Promise<Ended> {
  return runCommandLine('pose-predict', ['--cfg', RECIPE, ...args], folder.path);
}

const read = (path: string): PredictionDocument => JSON.parse(folder.read(`${path}/predictions.json`));

describe('pose-predict', () => {
  it('finds on annotated boxes what pose-eval finds', async () => {
    const evaluated = await runCommandLine('pose-eval', ['--cfg', RECIPE], folder.path);
    expect(evaluated.code).toBe(0);
    const ended = await predict('--boxes', 'data/people.json', '--out', 'found', 'data/images');
    expect(ended).toEqual({code: 0, stderr: '', stdout: '6 people on 6 images -> found\n'});
    const [predicted, expected] = [
      'found/keypoints_results.json',
      'output/run/results/keypoints_val_results.json',
    ].map((file): CocoKeypointResult[] => JSON.parse(folder.read(file)));
    expect(expected).toHaveLength(6);
    expect(predicted).toEqual(expected);
  });

  it('leaves a document and a drawing of each image, of its size', async () => {
    const {model, checkpoint, keypointNames, skeleton, images, failed} = read('found');
    expect({model, failed}).toEqual({model: 'tiny', failed: []});
    expect(checkpoint).toBe('output/run/checkpoints/step-00000003');
    expect(keypointNames).toHaveLength(17);
    expect(keypointNames[0]).toBe('nose');
    expect(skeleton[0].every((end) => Number.isInteger(end))).toBe(true);
    expect(images[2]).toMatchObject({image: 'data/images/3.jpg', imageId: 3, width: 64, height: 64});
    // Annotated boxes are cut as HRNet cuts them: COCO's last pixel is x + w − 1.
    expect(images[2].people).toMatchObject([{box: [10, 5, 43, 49], boxScore: 1}]);
    expect(images[2].people[0].keypoints).toHaveLength(17);
    const drawings = [1, 2, 3, 4, 5, 6].map((id) => `${id}.jpg`);
    expect(folder.list('found')).toEqual([...drawings, 'keypoints_results.json', 'predictions.json']);
    expect(await sharp(folder.at('found/3.jpg')).metadata()).toMatchObject({width: 64, height: 64});
  });

  it('takes frames in natural order, each as one person who fills it, and prints JSON alone', async () => {
    mkdirSync(folder.at('frames'));
    for (const [i, name] of ['f1.jpg', 'f2.jpg', 'f10.jpg'].entries())
      copyFileSync(folder.at(`data/images/${i + 1}.jpg`), folder.at(`frames/${name}`));
    writeFileSync(folder.at('frames/notes.txt'), 'no image');
    const {code, stdout, stderr} = await predict('--json', 'frames', 'eval.flipTest=false');
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
    const {images}: PredictionDocument = JSON.parse(stdout);
    expect(images.map(({image}) => image)).toEqual(['frames/f1.jpg', 'frames/f2.jpg', 'frames/f10.jpg']);
    for (const {people} of images) expect(people).toMatchObject([{box: [0, 0, 64, 64], boxScore: 1}]);
    expect(folder.exists('output/run/predictions')).toBe(false);
  });

  it('takes boxes of the command line, and tells drawings of one name apart', async () => {
    const boxes = ['--box', '4,4,30,50 30,2.5,30,60'];
    const {code, stdout} = await predict(
      ...boxes,
      'data/images/1.jpg',
      'data/images/2.jpg',
      'data/images/1.jpg',
    );
    expect({code, stdout}).toEqual({code: 0, stdout: '6 people on 3 images -> output/run/predictions\n'});
    expect(folder.list('output/run/predictions')).toEqual(['1-2.jpg', '1.jpg', '2.jpg', 'predictions.json']);
    const [{people}] = read('output/run/predictions').images;
    expect(people.map(({box}) => box)).toEqual([
      [4, 4, 30, 50],
      [30, 2.5, 30, 60],
    ]);
  });

  it('drops whom a detector found twice', async () => {
    const found = {image_id: 1, category_id: 1, bbox: [10, 5, 44, 50]};
    const results = [
      {...found, score: 0.5},
      {...found, score: 0.9},
      {...found, image_id: 2, score: 0.7},
    ];
    writeFileSync(folder.at('detections.json'), JSON.stringify(results));
    const {code, stderr} = await predict('--boxes', 'detections.json', '--out', 'detected', 'data/images');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: detections\.json: 4 images have no boxes .*: data\/images\/3\.jpg; /);
    const {images} = read('detected');
    expect(images.map(({people}) => people.map(({boxScore}) => boxScore))).toEqual([
      [0.9],
      [0.7],
      [],
      [],
      [],
      [],
    ]);
  });

  it('does not lose the rest to an image that is damaged, and ends with 3', async () => {
    mkdirSync(folder.at('mixed'));
    for (const name of ['a.jpg', 'c.jpg'])
      copyFileSync(folder.at('data/images/1.jpg'), folder.at(`mixed/${name}`));
    writeFileSync(folder.at('mixed/b.jpg'), '<html>not found</html>');
    const {code, stdout, stderr} = await predict('--out', 'rest', 'mixed');
    expect({code, stdout}).toEqual({code: 3, stdout: '2 people on 2 images, 1 left out -> rest\n'});
    expect(stderr).toMatch(/^warning: mixed\/b\.jpg: the image is damaged .*\n/);
    expect(stderr).toMatch(/error: 1 of 3 images could not be used:\n {2}mixed\/b\.jpg\n$/);
    const {images, failed} = read('rest');
    expect(images.map(({image}) => image)).toEqual(['mixed/a.jpg', 'mixed/c.jpg']);
    expect(failed).toMatchObject([{image: 'mixed/b.jpg'}]);
    expect(folder.list('rest')).toEqual(['a.jpg', 'c.jpg', 'predictions.json']);
  });

  it.each([
    ['no image', [], 2, /give an image, or a folder of images/],
    ['an image that is missing', ['gone.jpg'], 3, /^error: gone\.jpg: cannot be read/],
    ['a folder without images', ['data'], 3, /^error: data: the folder has no image/],
    ['a box that is none', ['--box', '1,2,3', 'data/images'], 2, /--box: "1,2,3" is no box/],
    ['two kinds of boxes', ['--box', '1,2,3,4', '--boxes', 'x', 'data/images'], 2, /exclude each other/],
    [
      'a box outside',
      ['--box', '90,90,9,9', 'data/images/1.jpg'],
      3,
      /lies outside the image, which is 64x64/,
    ],
    [
      'boxes of other images',
      ['--boxes', 'data/people.json', 'frames'],
      3,
      /has boxes for none of the images/,
    ],
    ['a run without a checkpoint', ['data/images', 'name=new'], 2, /there is no best checkpoint yet/],
    [
      'a folder that cannot be made',
      ['--out', `${RECIPE}/x`, 'data/images'],
      6,
      /could not be written \(ENOTDIR\)/,
    ],
  ])('refuses %s', async (_, args, exitCode, problem) => {
    const {code, stderr} = await predict(...args);
    expect(stderr).toMatch(problem);
    expect(code).toBe(exitCode);
  });
});
