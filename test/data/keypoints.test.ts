/** @file Keypoint sets: the one that comes with the package, and what is refused. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import {UserError} from '../../src/errors.js';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';

describe('coco17', () => {
  const set = loadKeypointSet('coco17');

  it('lists COCO’s keypoints in COCO’s order with a sigma each', () => {
    expect(set.name).toBe('coco17');
    expect(set.names).toHaveLength(17);
    expect([set.names[0], set.names[5], set.names[16]]).toEqual(['nose', 'left_shoulder', 'right_ankle']);
    const pairs = [0.025, 0.035, 0.079, 0.072, 0.062, 0.107, 0.087, 0.089];
    expect(set.sigmas).toEqual([0.026, ...pairs.flatMap((sigma) => [sigma, sigma])]);
  });

  it('pairs left and right, which follow each other in COCO', () => {
    expect(set.flipPairs).toEqual([1, 3, 5, 7, 9, 11, 13, 15].map((left) => [left, left + 1]));
  });

  it('splits the body at the hips', () => {
    expect(set.upperBody).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(set.lowerBody).toEqual([11, 12, 13, 14, 15, 16]);
  });

  it('draws COCO’s nineteen bones', () => {
    const bones = set.skeleton.map(({ends}) =>
      ends
        .map((end) => end + 1)
        .sort((a, b) => a - b)
        .join('-'),
    );
    const coco = '14-16 12-14 15-17 13-15 12-13 6-12 7-13 6-7 6-8 7-9 8-10 9-11 2-3 1-2 1-3 2-4 3-5 4-6 5-7';
    expect(bones.sort()).toEqual(coco.split(' ').sort());
  });
});

describe('a file of the user’s', () => {
  const good = readFileSync(join(PACKAGE_ROOT, 'configs/keypoints/coco17.yaml'), 'utf8');
  let folder: string;
  let file: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'keypoints-'));
    file = join(folder, 'mine.yaml');
  });
  afterAll(() => rmSync(folder, {recursive: true}));

  it('is read from its path and named after it', () => {
    writeFileSync(file, good);
    expect(loadKeypointSet(file)).toEqual({...loadKeypointSet('coco17'), name: 'mine'});
  });

  it.each<[string, string, string, RegExp]>([
    [
      'an unknown name in a pair',
      '[left_eye, right_eye]',
      '[left_eye, rite_eye]',
      /flipPairs: \[left_eye, rite_eye\]: "rite_eye"/,
    ],
    [
      'a pair of one keypoint',
      '[left_eye, right_eye]',
      '[left_eye, left_eye]',
      /flipPairs: \[left_eye, left_eye\]/,
    ],
    [
      'a keypoint in two pairs',
      '[left_eye, right_eye]',
      '[left_ear, right_eye]',
      /flipPairs: "left_ear" is used twice/,
    ],
    ['a bone to nowhere', 'from: left_ankle,', 'from: tail,', /skeleton: \[tail, left_knee\]: "tail"/],
    ['too few sigmas', '  - 0.026\n', '', /sigmas has 16 numbers for 17 names/],
    ['a negative sigma', '0.026', '-0.026', /sigmas\.0/],
    ['a name listed twice', '  - left_eye\n', '  - nose\n', /names: "nose" is listed twice/],
    ['a colour that is none', '"#2ca02c"', 'green', /skeleton\.0\.colour/],
    ['a key that is none', 'names:', 'keypointNames:', /names/],
    ['broken YAML', 'names:', 'names: [', /cannot be read as YAML/],
  ])('is refused for %s, with the place', (_, from, to, message) => {
    writeFileSync(file, good.replace(from, to));
    expect(() => loadKeypointSet(file)).toThrow(UserError);
    expect(() => loadKeypointSet(file)).toThrow(message);
    expect(() => loadKeypointSet(file)).toThrow(file);
  });

  it('that does not exist is an error which lists the sets there are', () => {
    expect(() => loadKeypointSet('coco71')).toThrow(/no keypoint set "coco71".*coco17/);
  });
});
