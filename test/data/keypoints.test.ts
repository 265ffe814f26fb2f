/** @file Keypoint sets: those that come with the package, and what is refused. */
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {keypointSetNames, loadKeypointSet} from '../../src/data/keypoints.js';
import {UserError} from '../../src/errors.js';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';

const REFERENCE = resolve(process.env.POSECRAFT_REFERENCE ?? '../shared');
const WHOLE_BODY = join(REFERENCE, 'data/wholebody/coco_wholebody_sample4.json');

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

describe('every set of the package', () => {
  it.each([
    ['coco17', 17, 8],
    ['crowdpose14', 14, 6],
    ['hand21', 21, 0],
    ['lsp14', 14, 6],
    ['mpii16', 16, 6],
    ['wholebody133', 133, 61],
  ])('%s has %i keypoints, %i pairs, and parts that hold each keypoint once', (name, count, pairs) => {
    const set = loadKeypointSet(name);
    expect([set.names.length, set.sigmas.length, set.flipPairs.length]).toEqual([count, count, pairs]);
    const inParts = Object.values(set.parts).flat();
    expect(inParts.sort((a, b) => a - b)).toEqual(set.names.map((_, i) => i));
  });

  it('is in this list', () => {
    expect(keypointSetNames()).toEqual('coco17 crowdpose14 hand21 lsp14 mpii16 wholebody133'.split(' '));
  });

  it.each(keypointSetNames())('%s is drawn in one piece, the face apart', (name) => {
    const {names, skeleton, parts} = loadKeypointSet(name);
    const group = names.map((_, i) => i);
    for (let round = 0; round < names.length; round++) {
      for (const {ends} of skeleton)
        for (const end of ends) group[end] = Math.min(...ends.map((i) => group[i]));
    }
    const drawn = group.filter((_, i) => !parts.face?.includes(i));
    // COCO's arms and legs hang together by the shoulders and the hips; so do all others.
    expect(new Set(drawn).size).toBe(1);
  });

  it.each(keypointSetNames())('%s mirrors its bones and halves onto themselves', (name) => {
    const {names, flipPairs, skeleton, upperBody, lowerBody, sigmas} = loadKeypointSet(name);
    const mirrored = names.map((_, i) => i);
    for (const [a, b] of flipPairs) [mirrored[a], mirrored[b]] = [b, a];
    const key = (ends: readonly number[]) => [...ends].sort((a, b) => a - b).join('-');
    const bones = skeleton.map(({ends}) => key(ends));
    expect(new Set(skeleton.map(({ends}) => key(ends.map((i) => mirrored[i]))))).toEqual(new Set(bones));
    expect(new Set(bones).size).toBe(bones.length);
    for (const half of [upperBody, lowerBody]) {
      expect(new Set(half.map((i) => mirrored[i]))).toEqual(new Set(half));
    }
    if (name !== 'wholebody133') expect(mirrored.map((i) => sigmas[i])).toEqual(sigmas);
  });
});

describe('wholebody133', () => {
  const {parts, names, sigmas, flipPairs} = loadKeypointSet('wholebody133');

  it('orders body, feet, face and hands as COCO-WholeBody does', () => {
    const ranges = Object.entries(parts).map(([part, indices]) => [part, indices[0], indices.at(-1)]);
    expect(ranges).toEqual([
      ['body', 0, 16],
      ['foot', 17, 22],
      ['face', 23, 90],
      ['leftHand', 91, 111],
      ['rightHand', 112, 132],
    ]);
    const coco = loadKeypointSet('coco17');
    expect(names.slice(0, 17)).toEqual(coco.names);
    expect(sigmas.slice(0, 17)).toEqual(coco.sigmas);
    const hand = loadKeypointSet('hand21');
    for (const [side, indices] of [
      ['left', parts.leftHand],
      ['right', parts.rightHand],
    ] as const) {
      expect(indices.map((i) => sigmas[i])).toEqual(hand.sigmas);
      expect(indices.slice(1).map((i) => names[i])).toEqual(hand.names.slice(1).map((n) => `${side}_${n}`));
    }
  });

  it.skipIf(!existsSync(WHOLE_BODY))(
    'has the person’s left first in each pair of the face (reference data)',
    () => {
      const {annotations} = JSON.parse(readFileSync(WHOLE_BODY, 'utf8'));
      let faces = 0;
      for (const {face_valid, face_kpts, keypoints} of annotations) {
        // Somebody who faces the camera has the left eye at larger x, and the nose between the eyes.
        const [nose, left, right] = [keypoints[0], keypoints[3], keypoints[6]];
        if (!face_valid || !(left > nose && nose > right)) continue;
        faces++;
        const x = (k: number) => face_kpts[3 * (k - 23)];
        const inFace = flipPairs.filter(([a]) => parts.face.includes(a));
        expect(inFace).toHaveLength(29);
        for (const [a, b] of inFace) expect(x(a), `${names[a]} and ${names[b]}`).toBeGreaterThan(x(b));
      }
      expect(faces).toBeGreaterThan(0);
    },
  );
});

describe('lsp14', () => {
  const file = join(REFERENCE, 'data/lspet/annotations/lspet_val.json');
  it.skipIf(!existsSync(file))('names its keypoints as the set’s own file does (reference data)', () => {
    const {categories} = JSON.parse(readFileSync(file, 'utf8'));
    expect(categories[0].keypoints).toEqual(loadKeypointSet('lsp14').names);
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

  const line = good.split('\n').indexOf('  - [left_eye, right_eye]') + 1;
  it.each<[string, string, string, string]>([
    [
      'an unknown name in a pair',
      '[left_eye, right_eye]',
      '[left_eye, rihgt_eye]',
      `:${line}: flipPairs: [left_eye, rihgt_eye]: "rihgt_eye" is not among the file's names. Did you mean "right_eye"?`,
    ],
    [
      'a pair of one keypoint',
      '[left_eye, right_eye]',
      '[left_eye, left_eye]',
      `:${line}: flipPairs: [left_eye, left_eye] joins a keypoint to itself.`,
    ],
    [
      'a keypoint in two pairs',
      '[left_eye, right_eye]',
      '[left_eye, right_eye]\n  - [right_eye, left_ear]',
      `:${line + 1}: flipPairs: [right_eye, left_ear]: "right_eye" is paired already, by [left_eye, right_eye]`,
    ],
    [
      'a pair given both ways',
      '[left_eye, right_eye]',
      '[left_eye, right_eye]\n  - [right_eye, left_eye]',
      `:${line + 1}: flipPairs: [right_eye, left_eye]: "right_eye" is paired already, by [left_eye, right_eye]`,
    ],
    [
      'a pair of three',
      '[left_eye, right_eye]',
      '[left_eye, right_eye, nose]',
      `:${line}: "flipPairs.0" is ["left_eye","right_eye","nose"]`,
    ],
    [
      'numbers for names',
      '[left_eye, right_eye]',
      '[1, 2]',
      '"flipPairs.0.0" is 1: expected the name of a keypoint, not its number',
    ],
    [
      'sides that do not belong together',
      '  - [left_eye, right_eye]\n  - [left_ear, right_ear]',
      '  - [left_eye, right_ear]\n  - [left_ear, right_eye]',
      `:${line}: flipPairs: [left_eye, right_ear]: expected [left_eye, right_eye].`,
    ],
    [
      'a left and a right that are no pair',
      '  - [left_ear, right_ear]\n',
      '',
      ':41: flipPairs: [left_ear, right_ear] is missing.',
    ],
    [
      'a bone to nowhere',
      'from: left_ankle,',
      'from: tail,',
      'skeleton: [tail, left_knee]: "tail" is not among',
    ],
    [
      'a bone to a number out of range',
      'from: left_ankle,',
      'from: 17,',
      '"skeleton.0.from" is 17: expected the name of a keypoint',
    ],
    [
      'a bone of one keypoint',
      'from: left_ankle,',
      'from: left_knee,',
      'skeleton: [left_knee, left_knee] joins a keypoint to itself',
    ],
    ['too few sigmas', '  - 0.026\n', '', ':21: sigmas: there are 16 for 17 names'],
    ['a negative sigma', '0.026', '-0.026', '"sigmas.0" is -0.026'],
    ['a sigma that is no number', '0.026', 'wide', '"sigmas.0" is "wide"'],
    ['a name listed twice', '  - left_eye\n', '  - nose\n', ':4: names: "nose" is listed twice.'],
    [
      'no names at all',
      good.slice(good.indexOf('names:'), good.indexOf('sigmas:')),
      'names: []\n\n',
      '"names" is []',
    ],
    [
      'a colour that is none',
      '"#2ca02c"',
      'green',
      '"skeleton.0.colour" is "green": expected a colour such as "#1f77b4"',
    ],
    [
      'a colour that YAML takes for a comment',
      'skeleton:\n',
      'skeleton:\n  - from: nose\n    to: left_eye\n    colour: #1f77b4\n',
      '"skeleton.0.colour" is null: expected a colour such as "#1f77b4", in quotes',
    ],
    [
      'a half that lists a keypoint twice',
      'upperBody:\n',
      'upperBody:\n  - nose\n',
      'upperBody: "nose" is listed twice.',
    ],
    [
      'a keypoint in both halves',
      'lowerBody:\n',
      'lowerBody:\n  - nose\n',
      'lowerBody: "nose" is in upperBody as well.',
    ],
    [
      'a part of an unknown keypoint',
      'head: [nose,',
      'head: [noze,',
      'parts: "noze" is not among the file\'s names. Did you mean "nose"?',
    ],
    [
      'a part that lists a keypoint twice',
      'head: [nose,',
      'head: [nose, nose,',
      'parts: "nose" is listed twice',
    ],
    ['an empty part', /head: .*/.exec(good)![0], 'head: []', '"parts.head" is []'],
    ['a key that is none', 'sigmas:', 'sigma:', ':21: unknown key "sigma"; did you mean "sigmas"?'],
    [
      'a key of a bone that is none',
      'colour: "#2ca02c"',
      'color: "#2ca02c"',
      'unknown key "skeleton.color"; did you mean "skeleton.colour"?',
    ],
    ['a missing key', 'sigmas:', 'sigma:', '"sigmas" is missing'],
    ['broken YAML', 'names:', 'names: [', ':3: '],
    ['a key given twice', 'lowerBody:', 'upperBody:', 'duplicated mapping key'],
  ])('is refused for %s, with the place', (_, from, to, message) => {
    const content = good.replace(from, to);
    expect(content).not.toBe(good);
    writeFileSync(file, content);
    expect(() => loadKeypointSet(file)).toThrow(UserError);
    expect(() => loadKeypointSet(file)).toThrow(message);
    expect(() => loadKeypointSet(file)).toThrow(`${file}:`);
  });

  it('that does not exist is an error which lists the sets there are', () => {
    expect(() => loadKeypointSet('coco71')).toThrow(/no keypoint set "coco71".*coco17/);
  });
});
