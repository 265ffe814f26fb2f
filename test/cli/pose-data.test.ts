import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {afterAll, describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {runCommandLine} from './process.js';

const RECIPE = join(PACKAGE_ROOT, 'experiments/synthetic/demo.yaml');
const folder = mkdtempSync(join(tmpdir(), 'pose-data-'));
afterAll(() => rmSync(folder, {recursive: true}));

function poseData(...args: string[]) {
  return runCommandLine('pose-data', args, folder);
}

describe('pose-data', () => {
  it('makes a synthetic dataset, and shows its people with their targets', async () => {
    const size = ['--images', '3', '--val-images', '2', '--workers', '1'];
    const made = await poseData('make-synthetic', '--out', 'people', '--seed', '4', ...size);
    expect(made.code).toBe(0);
    for (const [split, images] of [
      ['train', 3],
      ['val', 2],
    ] as const) {
      expect(readdirSync(join(folder, 'people/images', `${split}2017`))).toHaveLength(images);
      const annotations = join(folder, 'people/annotations', `person_keypoints_${split}2017.json`);
      expect(JSON.parse(readFileSync(annotations, 'utf8')).images).toHaveLength(images);
    }

    const annotations = 'people/annotations/person_keypoints_train2017.json';
    const counted = await poseData('stats', '--annotations', annotations, '--out', 'stats.svg', '--json');
    expect(counted.code).toBe(0);
    const people = JSON.parse(readFileSync(join(folder, annotations), 'utf8')).annotations.length;
    expect(JSON.parse(counted.stdout)).toMatchObject({images: 3, people});
    expect((await sharp(join(folder, 'stats.svg')).metadata()).width).toBe(1440);

    writeFileSync(join(folder, 'x.yaml'), `extends: ${RECIPE}\ndataset: {root: people}\n`);
    const show = ['show', '--cfg', 'x.yaml', '--out', 'sheet.jpg'];
    const shown = await poseData('--verbose', ...show, '--count', '2', '--augmentations', '2');
    expect(shown).toMatchObject({code: 0, stdout: 'sheet.jpg\n'});
    // A row for each person: as annotated, and the input and the targets of two epochs.
    const sheet = await sharp(join(folder, 'sheet.jpg')).metadata();
    expect([sheet.width, sheet.height]).toEqual([8 + 5 * 248, 8 + 2 * 332]);
    const drawn = readFileSync(join(folder, 'sheet.jpg'));
    await poseData(...show, '--count', '2', '--augmentations', '2', '--seed', '9');
    expect(readFileSync(join(folder, 'sheet.jpg')).equals(drawn)).toBe(false);
    const beyond = await poseData(...show, '--start', '1000');
    expect(beyond).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--start is 1000: there are \d+ people/),
    });
    const table = await poseData('stats', '--cfg', 'x.yaml', '--split', 'val');
    expect(table.stdout).toMatch(/^2 images, \d+ people\n.*\nright_ankle +\d/s);
  });

  const make = ['make-synthetic', '--out', 'nothing'];
  it.each([
    ['no command', [], /a command is needed/],
    ['an unknown command', ['bogus'], /Unknown command: bogus/],
    ['no folder', ['make-synthetic', '--images', '3'], /Missing required argument: out/],
    ['a number that is none', [...make, '--images', 'many'], /images is NaN/],
    ['no images at all', [...make, '--images', '0'], /images is 0/],
    ['statistics of nothing', ['stats'], /give either --cfg or --annotations/],
    [
      'statistics as a document',
      ['stats', '--annotations', 'a', '--out', 'nothing'],
      /ends in \.svg or \.png/,
    ],
    ['a sheet of nobody', ['show', '--cfg', RECIPE, '--count', '0', '--out', 'nothing'], /--count is 0/],
    ['no augmentations', ['show', '--cfg', RECIPE, '--augmentations', '0'], /--augmentations is 0/],
    ['a start that is none', ['show', '--cfg', RECIPE, '--start', '-1'], /--start is -1/],
    ['an overlap that is none', [...make, '--images', '3', '--overlap', 'much'], /--overlap is much/],
    [
      'a crowd of nobody',
      [...make, '--images', '3', '--people-per-image', '0-2'],
      /people-per-image is 0: give a whole number of at least 1/,
    ],
    [
      'keypoints that nobody has',
      [...make, '--images', '3', '--keypoints', 'hand21'],
      /keypoints is hand21: the drawn people have no wrist/,
    ],
    ['an override that has no meaning', [...make, '--images', '3', 'seed=3'], /it takes options only/],
  ])('refuses %s, and makes nothing', async (_, args, problem) => {
    const {code, stdout, stderr} = await poseData(...args);
    expect({code, stdout}).toEqual({code: 2, stdout: ''});
    expect(stderr).toMatch(problem);
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });
});
