/** @file `pose-eval --metric`: PCKh, PCK, AUC and end-point error of ready predictions, and tables by keypoint. */
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {runCommandLine} from './process.js';

const REFERENCE = resolve(PACKAGE_ROOT, process.env.POSECRAFT_REFERENCE ?? '../shared');
const PCKH = join(REFERENCE, 'fixtures', 'pckh');

const folder = mkdtempSync(join(tmpdir(), 'pose-eval-metrics-'));
afterAll(() => rmSync(folder, {recursive: true}));

function score(...args: string[]) {
  return runCommandLine('pose-eval', args, folder);
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(value));
}

describe.skipIf(!existsSync(PCKH))('pose-eval --metric pckh (needs the reference data)', () => {
  it.each([join(PCKH, 'mpii_valid_gt.json'), join(REFERENCE, 'data', 'mpii', 'annot', 'gt_valid.mat')])(
    'prints the expected table for %s',
    async (truth) => {
      const predictions = join(PCKH, 'mpii_valid_predictions.json');
      const args = ['--metric', 'pckh', '--results', predictions, '--annotations', truth];
      const {code, stdout, stderr} = await score(...args, '--json');
      expect({code, stderr}).toEqual({code: 0, stderr: ''});
      const {per_joint: perJoint, ...table} = JSON.parse(stdout);
      const expected = JSON.parse(readFileSync(join(PCKH, 'mpii_valid_expected.json'), 'utf8'));
      const {per_joint: expectedJoints, ...expectedTable} = expected;
      expect(Object.keys(table)).toEqual(Object.keys(expectedTable));
      expect(Object.keys(perJoint)).toEqual(Object.keys(expectedJoints));
      for (const [name, value] of Object.entries<number>({...table, ...perJoint}))
        expect(Math.abs(value - {...expectedTable, ...expectedJoints}[name]), name).toBeLessThan(1e-6);
    },
  );
});

describe('pose-eval --metric', () => {
  const names = ['left_shoulder', 'right_hip', 'head_top', 'neck'];
  const args = ['--results', 'results.json', '--annotations', 'truth.json'];

  // A torso of 50 pixels; the shoulder is 5 pixels off, the hip 20.
  beforeAll(() => {
    const keypoints = [100, 100, 2, 130, 140, 2, 100, 60, 2, 100, 80, 2];
    const found = keypoints.map((value, i) => value + (i === 0 ? 5 : i === 3 ? 20 : 0));
    const person = {id: 1, image_id: 1, category_id: 1, iscrowd: 0, num_keypoints: 4, keypoints};
    writeJson('truth.json', {
      images: [{id: 1, file_name: '1.jpg', width: 640, height: 480}],
      categories: [{id: 1, name: 'person', keypoints: names}],
      annotations: [{...person, bbox: [90, 50, 60, 100], area: 6000}],
    });
    writeJson('results.json', [
      {image_id: 1, category_id: 1, keypoints: found, score: 0.3},
      {image_id: 1, category_id: 1, keypoints: found.map((value) => value + 300), score: 0.9},
    ]);
  });

  it('scores several metrics at once, by the length that is asked for', async () => {
    const {code, stdout, stderr} = await score(
      '--metric',
      'pck,epe',
      '--normalizer',
      'torso',
      ...args,
      '--json',
    );
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(JSON.parse(stdout)).toEqual({PCK: 0.75, EPE: 25 / 4, NME: 25 / 4 / 50});
  });

  it('takes a threshold, and two keypoints or pixels for a length', async () => {
    const pck = async (...more: string[]) =>
      JSON.parse((await score('--metric', 'pck', ...args, ...more, '--json')).stdout).PCK;
    expect(await pck('--normalizer', 'head_top,neck', '--threshold', '0.2')).toBe(0.5);
    expect(await pck('--normalizer', '100', '--threshold', '0.05')).toBe(0.75);
  });

  it('prints a line a figure, and the keypoints below if asked', async () => {
    const {stdout} = await score('--metric', 'pck,auc', '--normalizer', 'torso', '--per-keypoint', ...args);
    expect(stdout).toMatch(
      /^PCK@0\.2 \(torso\) +0\.750\nAUC of PCK@0 to 0\.5 \(torso\) +\d\.\d+\n\nkeypoint/,
    );
    expect(stdout).toMatch(/^right_hip +1 +0\.000 +0\.\d+$/m);
  });

  it('adds the keypoints to the JSON object if asked', async () => {
    const {stdout} = await score('--metric', 'pck', '--per-keypoint', ...args, '--json');
    expect(JSON.parse(stdout).perKeypoint).toMatchObject({right_hip: {labelled: 1, PCK: 1}});
    expect(Object.keys(JSON.parse(stdout).perKeypoint)).toEqual(names);
  });

  it('scores OKS with the keypoint set that it is given', async () => {
    writeFileSync(
      join(folder, 'four.yaml'),
      `names: [${names.join(', ')}]\nsigmas: [0.5, 0.5, 0.5, 0.5]\nflipPairs: []\nskeleton: []\nupperBody: []\nlowerBody: []\n`,
    );
    const {code, stdout} = await score(...args, '--keypoints', 'four.yaml', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({AR: 1, AP_large: -1});
  });

  it.each([
    [
      'a metric that does not exist',
      ['--metric', 'pckk', ...args],
      /"pckk"; choose of oks, pck, auc, epe, pckh/,
    ],
    [
      'a length that is none',
      ['--normalizer', 'arm', '--metric', 'pck', ...args],
      /--normalizer arm: give box/,
    ],
    ['a threshold that is none', ['--threshold', '-1', '--metric', 'pck', ...args], /--threshold -1/],
    ['OKS without falloffs', args, /4 keypoints, not COCO's 17.*--keypoints/],
    [
      "a keypoint set that is not the file's",
      ['--keypoints', 'coco17', ...args],
      /has 17 keypoints, .* have 4/,
    ],
    ['PCKh beside other metrics', ['--metric', 'pckh,pck', ...args], /file layout of its own/],
    ['a metric beside a configuration', ['--cfg', 'x.yaml', '--metric', 'pck'], /eval\.metrics/],
  ])('refuses %s', async (_, all, problem) => {
    const {code, stdout, stderr} = await score(...all);
    expect({code, stdout}).toEqual({code: 2, stdout: ''});
    expect(stderr).toMatch(problem);
  });

  it('refuses files of another layout for PCKh, and shows where the layout is told', async () => {
    const {code, stderr} = await score('--metric', 'pckh', ...args);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: truth\.json: joint_names: .*docs\/metrics\.md.*\n$/);
  });
});
