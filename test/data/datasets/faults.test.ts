/** @file Every fault of an annotation file in COCO's format: what becomes of the record, and that it is counted. */
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {openDataset} from '../../../src/data/datasets/index.js';
import {RULES, type RuleName} from '../../../src/data/datasets/rules.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import type {UserError} from '../../../src/errors.js';
import {type Annotation, annotation, type CocoContent, CocoFolder, content} from '../cocoFolder.js';

const coco17 = loadKeypointSet('coco17');
let folder: CocoFolder;
beforeAll(async () => {
  folder = await CocoFolder.create();
});
afterAll(() => folder.remove());

/** Opens a file of two people of whom the second is changed; `text` may change the file's bytes. */
async function open(
  change: (value: CocoContent) => unknown,
  {maxBadFraction = 1, text = (json: string) => json} = {},
) {
  const value = content();
  change(value);
  await folder.write('annotations.json', text(JSON.stringify(value)));
  return openDataset(folder.config({maxBadFraction}), 'train', coco17);
}

/** Changes annotation 12. */
const second = (changes: object) => (value: CocoContent) => Object.assign(value.annotations[1], changes);
/** Keypoint k of annotation 12. */
const keypoint = (k: number, x: unknown, y: unknown, v: unknown) => (value: CocoContent) => {
  (value.annotations[1].keypoints as unknown[]).splice(3 * k, 3, x, y, v);
};

interface Row {
  readonly fault: string;
  readonly change: (value: CocoContent) => unknown;
  readonly rule: RuleName;
  readonly record?: string;
  readonly detail?: RegExp;
  /** Ids of the people who are left. */
  readonly left?: readonly number[];
}

const ROWS: Row[] = [
  {
    fault: 'no number as id',
    change: second({id: 'x'}),
    rule: 'annotationMalformed',
    record: 'annotations[1] (id "x")',
    detail: /"id" is "x"/,
  },
  {
    fault: 'null for an annotation',
    change: (v) => v.annotations.splice(1, 1, null as unknown as Annotation),
    rule: 'annotationMalformed',
    record: 'annotations[1]',
    detail: /it is null/,
  },
  {
    fault: 'an annotation’s id twice',
    change: second({id: 11}),
    rule: 'annotationIdTwice',
    record: 'annotations[1] (id 11)',
    left: [11],
  },
  {
    fault: 'an unknown image',
    change: second({image_id: 5}),
    rule: 'unknownImage',
    detail: /image 5 is not in "images"/,
  },
  {
    fault: 'an unknown category',
    change: second({category_id: 9}),
    rule: 'unknownCategory',
    detail: /category 9/,
  },
  {
    fault: 'no keypoints',
    change: second({keypoints: undefined}),
    rule: 'keypointsMissing',
    detail: /"keypoints" is missing/,
  },
  {
    fault: 'keypoints of another set',
    change: second({keypoints: new Array(42).fill(1)}),
    rule: 'keypointCount',
    detail: /has 42 numbers; expected 51/,
  },
  {
    fault: 'text for a coordinate',
    change: keypoint(1, '21', 12, 2),
    rule: 'annotationMalformed',
    detail: /number 3 of "keypoints" is "21"/,
  },
  {
    fault: 'null for a coordinate',
    change: keypoint(1, 21, null, 2),
    rule: 'notFinite',
    detail: /number 4 of "keypoints" is null/,
  },
  {
    fault: 'an unheard-of visibility',
    change: keypoint(1, 21, 12, 3),
    rule: 'visibility',
    detail: /visibility of keypoint 1 of "keypoints" is 3/,
  },
  {
    fault: 'no box',
    change: second({bbox: undefined}),
    rule: 'annotationMalformed',
    detail: /"bbox" is missing/,
  },
  {
    fault: 'a box of three numbers',
    change: second({bbox: [1, 2, 3]}),
    rule: 'annotationMalformed',
    detail: /"bbox" is \[1,2,3\]/,
  },
  {
    fault: 'a box of no width',
    change: second({bbox: [10, 5, 0, 20]}),
    rule: 'boxEmpty',
    detail: /\[10,5,0,20\]/,
  },
  {fault: 'a box of negative height', change: second({bbox: [10, 5, 20, -3]}), rule: 'boxEmpty'},
  {
    fault: 'a box outside the image',
    change: second({bbox: [70, 5, 10, 10]}),
    rule: 'boxOutside',
    detail: /\[70,5,10,10\]/,
  },
  {
    fault: 'text for an area',
    change: second({area: '900'}),
    rule: 'annotationMalformed',
    detail: /"area" is "900"/,
  },
  {fault: 'no area to speak of', change: second({area: 0}), rule: 'areaNotPositive'},
  {
    fault: 'a crowd flag of 2',
    change: second({iscrowd: 2}),
    rule: 'annotationMalformed',
    detail: /"iscrowd" is 2/,
  },
  {fault: 'a crowd', change: second({iscrowd: 1}), rule: 'crowd'},
  {fault: 'nobody labelled', change: second({keypoints: new Array(51).fill(0)}), rule: 'unlabelled'},
  {
    fault: 'an image without a height',
    change: (v) => Object.assign(v.images[1], {height: undefined}),
    rule: 'imageMalformed',
    record: 'images[1] (id 2)',
    detail: /"height" is missing/,
  },
  {
    fault: 'an image of no width',
    change: (v) => Object.assign(v.images[1], {width: 0}),
    rule: 'imageMalformed',
    record: 'images[1] (id 2)',
    detail: /"width" is 0/,
  },
  {
    fault: 'an image without a name',
    change: (v) => Object.assign(v.images[1], {file_name: ''}),
    rule: 'imageMalformed',
    record: 'images[1] (id 2)',
  },
  {
    fault: 'an image’s id twice',
    change: (v) => Object.assign(v.images[1], {id: 1}),
    rule: 'imageIdTwice',
    record: 'images[1] (id 1)',
  },
  {
    fault: 'an image that is not there',
    change: (v) => Object.assign(v.images[1], {file_name: 'three.png'}),
    rule: 'imageMissing',
    record: 'three.png',
  },
  {fault: 'no area at all', change: second({area: undefined}), rule: 'areaMissing', left: [11, 12]},
  {
    fault: 'a box beyond the image',
    change: second({bbox: [40, 20, 60, 60]}),
    rule: 'boxBeyondImage',
    detail: /\[40,20,60,60\] in 64x48/,
    left: [11, 12],
  },
  {
    fault: 'a keypoint labelled at (0, 0)',
    change: keypoint(3, 0, 0, 2),
    rule: 'labelledAtOrigin',
    detail: /1 of 17/,
    left: [11, 12],
  },
  {
    fault: 'a keypoint outside the image',
    change: keypoint(3, 80, 20, 1),
    rule: 'keypointOutside',
    detail: /1 of 17/,
    left: [11, 12],
  },
  {
    fault: 'a wrong num_keypoints',
    change: second({num_keypoints: 3}),
    rule: 'keypointTally',
    detail: /it says 3, and 17 are labelled/,
    left: [11, 12],
  },
  {
    fault: 'keypoints in another order',
    change: (v) => Object.assign(v.categories[0], {keypoints: [...coco17.names].reverse()}),
    rule: 'keypointNames',
    record: 'category person',
    detail: /keypoint 0 is "right_ankle" there and "nose" in coco17/,
    left: [11, 12],
  },
];

describe('a fault of a record', () => {
  it.each(ROWS)(
    'is found and counted: $fault',
    async ({change, rule, record = 'annotations[1] (id 12)', detail = /^/, left = [11]}) => {
      const {findings, people, summary} = await open(change);
      const [found] = findings.of(rule);
      expect(findings.of(rule)).toHaveLength(1);
      expect(found.record).toBe(record);
      expect(found.detail).toMatch(detail);
      expect(people.map(({annotationId}) => annotationId)).toEqual(left);
      const rejected = summary.rejected.map(({reason, count}) => [reason, count]);
      const own = [RULES[rule].text, 1];
      if (RULES[rule].action === 'reject') expect(rejected).toContainEqual(own);
      else expect(rejected).toEqual([]);
    },
  );

  it.each([
    ['NaN', 'NaN'],
    ['-Infinity', '-Infinity'],
    ['1e400', '1e400'],
  ])('is found where Python wrote %s', async (_, number) => {
    const text = (json: string) => json.replace('"area":901', `"area":${number}`);
    const {people, findings} = await open(second({area: 901}), {text});
    expect(people.map(({annotationId}) => annotationId)).toEqual([11]);
    const caught = [...findings.of('notFinite'), ...findings.of('annotationMalformed')];
    expect(caught.map(({record}) => record)).toEqual([
      number === '1e400' ? 'annotations[1] (id 12)' : 'annotations[1]',
    ]);
  });

  it('at (0, 0) is mended for training, and left to the evaluation as it is', async () => {
    const {people, groundTruth} = await open(keypoint(3, 0, 0, 2));
    expect(people[1].keypoints.slice(9, 12)).toEqual([0, 0, 0]);
    expect(groundTruth().annotations[1].keypoints.slice(9, 12)).toEqual([0, 0, 2]);
  });

  it('leaves crowds and empty boxes to the evaluation, which ignores them itself', async () => {
    const {groundTruth} = await open((value) => {
      value.annotations.push(annotation(13, 1, {iscrowd: 1}), annotation(14, 2, {bbox: [1, 1, 0, 0]}));
    });
    expect(groundTruth().annotations.map(({id, iscrowd}) => [id, iscrowd])).toEqual([
      [11, 0],
      [12, 0],
      [13, 1],
      [14, 0],
    ]);
  });

  it('never passes unseen, nor ends in anything but a dataset or a data error', async () => {
    const junk = fc.oneof(
      fc.constant(null),
      fc.string(),
      fc.double(),
      fc.integer(),
      fc.array(fc.double(), {maxLength: 4}),
      fc.constant({}),
    );
    const key = fc.constantFrom(
      'id',
      'image_id',
      'category_id',
      'bbox',
      'area',
      'iscrowd',
      'keypoints',
      'num_keypoints',
    );
    await fc.assert(
      fc.asyncProperty(key, junk, async (name, value) => {
        const {people, findings, groundTruth} = await open(second({[name]: value}));
        const seen = findings.entries().length > 0;
        // Only a value that is in order may come through without a word.
        if (!seen) expect(people).toHaveLength(groundTruth().annotations.length);
        for (const {box, keypoints} of people) {
          expect([...box, ...keypoints].every(Number.isFinite)).toBe(true);
          expect(keypoints).toHaveLength(51);
        }
      }),
      {numRuns: 150, seed: 3},
    );
  });
});

describe('an annotation file that is of no use', () => {
  it.each([
    ['empty', '', /is not JSON \(it is empty\)/],
    ['not JSON', '{"images": [', /is not JSON \(it ends early/],
    ['a web page', '<!DOCTYPE html>', /is not JSON \(it is neither an object nor a list\)/],
    ['a list', '[]', /no list "images"/],
    ['null', 'null', /neither an object nor a list/],
    ['a record that is not JSON', '{"images": [{"id": 1,}]}', /is not JSON \(images\[0\]: /],
    ['a second document', `${JSON.stringify(content())} {}`, /is not JSON \(unexpected "\{" at byte/],
  ])('is refused with its name: %s', async (_, text, message) => {
    const error = await open(() => {}, {text: () => text}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({kind: 'data', message: expect.stringMatching(message)});
    expect((error as UserError).message).toContain(join(folder.root, 'annotations.json'));
  });

  it('is refused when it is cut short, wherever', async () => {
    const whole = JSON.stringify(content());
    for (let part = 1; part < 16; part++) {
      const text = () => whole.slice(0, Math.floor((whole.length * part) / 16));
      await expect(open(() => {}, {text})).rejects.toThrow(/is not JSON \(it ends early, after \d+ bytes\)/);
    }
  });
});
