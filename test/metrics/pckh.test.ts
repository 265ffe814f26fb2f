import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {deflateSync} from 'node:zlib';
import {afterAll, describe, expect, it} from 'vitest';
import {type PckhTruth, pckh, pckhNotes} from '../../src/metrics/pckh.js';
import {readPckhPredictions, readPckhTruth} from '../../src/metrics/pckhFiles.js';

const REFERENCE = process.env.POSECRAFT_REFERENCE ?? '../shared';
const FIXTURES = join(REFERENCE, 'fixtures', 'pckh');
const MAT_FILE = join(REFERENCE, 'data', 'mpii', 'annot', 'gt_valid.mat');
const NAMES = [
  ...['rank', 'rkne', 'rhip', 'lhip', 'lkne', 'lank', 'pelv', 'thor'],
  ...['neck', 'head', 'rwri', 'relb', 'rsho', 'lsho', 'lelb', 'lwri'],
];

const folder = mkdtempSync(join(tmpdir(), 'pckh-'));
afterAll(() => rmSync(folder, {recursive: true}));

function write(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, content instanceof Buffer ? content : JSON.stringify(content));
  return file;
}

/** People whose joints all lie at (100, 100); a head box of 30 by 40 pixels makes the unit 0.6 · 50 = 30 pixels. */
function truthOf(people: number, fields: Partial<PckhTruth> = {}): PckhTruth {
  const each = <T>(value: () => T) => Array.from({length: people}, value);
  return {
    jointNames: NAMES,
    joints: each(() => NAMES.map(() => [100, 100])),
    missing: each(() => NAMES.map(() => 0)),
    headBoxes: each(() => [
      [10, 20],
      [40, 60],
    ]),
    ...fields,
  };
}

/** One person, every joint moved to the right by so many pixels. */
function moved(shift: number, joints: Record<string, number> = {}) {
  return NAMES.map((name) => [100 + (joints[name] ?? shift), 100]);
}

describe.skipIf(!existsSync(FIXTURES))('the PCKh table of MPII (needs the reference data)', () => {
  const expected = existsSync(FIXTURES)
    ? JSON.parse(readFileSync(join(FIXTURES, 'mpii_valid_expected.json'), 'utf8'))
    : {};

  it.each(['the JSON layout', 'gt_valid.mat'])('is the expected one, from %s', async (kind) => {
    const file = kind === 'gt_valid.mat' ? MAT_FILE : join(FIXTURES, 'mpii_valid_gt.json');
    const truth = await readPckhTruth(file);
    const predictions = await readPckhPredictions(join(FIXTURES, 'mpii_valid_predictions.json'), truth);
    const {per_joint: perJoint, ...table} = pckh(truth, predictions).table;
    const {per_joint: expectedJoints, ...expectedTable} = expected;
    expect(Object.keys(table)).toEqual(Object.keys(expectedTable));
    expect(Object.keys(perJoint)).toEqual(Object.keys(expectedJoints));
    for (const [name, value] of Object.entries({...table, ...perJoint})) {
      expect(Math.abs(value - {...expectedTable, ...expectedJoints}[name]), name).toBeLessThan(1e-9);
    }
  });
});

describe('pckh', () => {
  it('counts an error of half the head length as right, and no more', () => {
    expect(pckh(truthOf(1), [moved(15)]).table.Mean).toBe(100);
    expect(pckh(truthOf(1), [moved(15.001)]).table.Mean).toBe(0);
  });

  it('prints under Mean@0.1 what HRNet does: the share within 0.11', () => {
    expect(pckh(truthOf(1), [moved(3.29)]).table['Mean@0.1']).toBe(100);
    expect(pckh(truthOf(1), [moved(3.31)]).table['Mean@0.1']).toBe(0);
  });

  it('leaves pelvis and thorax out of the mean', () => {
    const {table} = pckh(truthOf(1), [moved(0, {pelv: 99, thor: 99})]);
    expect(table.Mean).toBe(100);
    expect(table.per_joint).toMatchObject({pelv: 0, thor: 0, neck: 100});
  });

  it('weighs joints in the mean by how often they are labelled, and sides in a row alike', () => {
    const missing = [NAMES.map(() => 0), NAMES.map((name) => Number(name === 'lwri'))];
    const predictions = [moved(0, {lwri: 99}), moved(0)];
    const {table} = pckh(truthOf(2, {missing}), predictions);
    // The one labelled left wrist is wrong; both right wrists are right; 27 joints count for the mean.
    expect(table.Wrist).toBe(50);
    expect(table.Mean).toBeCloseTo((100 * 26) / 27, 12);
  });

  it('counts joints and people without a prediction as wrong', () => {
    const predictions = [moved(0), null];
    expect(pckh(truthOf(2), predictions).table.Mean).toBe(50);
    expect(pckh(truthOf(1), [NAMES.map((name) => (name === 'head' ? null : [100, 100]))]).table.Head).toBe(0);
  });

  it('leaves people without a usable head box out, and says so', () => {
    const headBoxes = [
      null,
      [
        [10, 20],
        [10, 20],
      ],
      [
        [10, 20],
        [40, 60],
      ],
    ];
    const truth = truthOf(3, {headBoxes});
    const result = pckh(truth, [moved(99), moved(99), moved(0)]);
    expect(result.table.Mean).toBe(100);
    expect(result.withoutHead).toEqual([0, 1]);
    expect(pckhNotes(result, truth)[0]).toMatch(/^2 of 3 people have no head box.*person 0/);
  });

  it('is -1 where no joint is labelled, and names the joints', () => {
    const missing = [NAMES.map((name) => Number(name === 'lank' || name === 'rank'))];
    const truth = truthOf(1, {missing});
    const result = pckh(truth, [moved(0)]);
    expect(result.table).toMatchObject({Ankle: -1, Mean: 100});
    expect(pckhNotes(result, truth)).toEqual(['-1 stands where nobody has the joint labelled: rank, lank.']);
    expect(pckh(truthOf(0), []).table.Mean).toBe(-1);
  });
});

describe('files that are not what they should be', () => {
  const layout = {
    joint_names: NAMES,
    gt_joints: [NAMES.map(() => [1, 2])],
    missing: [NAMES.map(() => 0)],
    head_boxes: [
      [
        [1, 2],
        [3, 4],
      ],
    ],
  };

  it.each([
    ['no ground truth of this layout', {images: []}, /joint_names.*docs\/metrics\.md/],
    [
      'other joints',
      {...layout, joint_names: NAMES.map((name) => `${name}2`)},
      /the joint names lack rank, rkne/,
    ],
    ['lists of different lengths', {...layout, head_boxes: []}, /1 people.*head boxes of 0/],
    ['a person with too few joints', {...layout, gt_joints: [[[1, 2]]]}, /person 0 does not have 16 joints/],
  ])('are refused: %s', async (_, content, message) => {
    await expect(readPckhTruth(write('truth.json', content))).rejects.toThrow(message);
  });

  it('are refused: predictions of another number of people or joints', async () => {
    const truth = await readPckhTruth(write('truth.json', layout));
    await expect(readPckhPredictions(write('p.json', []), truth)).rejects.toThrow(/0 people.*has 1/);
    const short = write('p.json', [[[1, 2]]]);
    await expect(readPckhPredictions(short, truth)).rejects.toThrow(/person 0 has 1 joints; expected 16/);
  });

  it.each([
    ['text', Buffer.from('not MATLAB'), /no MATLAB 5\.0 header/],
    ['a torn file', matFile(Buffer.from([15, 0, 0, 0, 99, 0, 0, 0])), /ends within a variable/],
    ['another file of MATLAB', matFile(numericVariable('x', [1], [7])), /no cell "dataset_joints"/],
  ])('are refused: %s for a MAT file', async (_, content, message) => {
    await expect(readPckhTruth(write('truth.mat', content))).rejects.toThrow(message);
  });

  it("are read: HRNet's pred.mat, compressed or not", async () => {
    const truth = await readPckhTruth(write('truth.json', layout));
    const values = [...NAMES.map((_, k) => k), ...NAMES.map((_, k) => 100 + k)];
    const variable = numericVariable('preds', [1, 16, 2], values);
    const packed = deflateSync(variable);
    const compressed = Buffer.concat([word(15), word(packed.length), packed]);
    for (const content of [variable, compressed]) {
      const predictions = await readPckhPredictions(write('pred.mat', matFile(content)), truth);
      expect(predictions).toEqual([NAMES.map((_, k) => [k, 100 + k])]);
    }
  });
});

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function matFile(...variables: Buffer[]): Buffer {
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file');
  header.write('\x00\x01IM', 124, 'latin1');
  return Buffer.concat([header, ...variables]);
}

/** A variable of doubles as the format's description lays it out. */
function numericVariable(name: string, shape: number[], values: number[]): Buffer {
  const padded = (type: number, data: Buffer) =>
    Buffer.concat([word(type), word(data.length), data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
  const parts = [
    padded(6, Buffer.concat([word(6), word(0)])),
    padded(5, Buffer.concat(shape.map(word))),
    padded(1, Buffer.from(name)),
    padded(9, Buffer.from(Float64Array.from(values).buffer)),
  ];
  return padded(14, Buffer.concat(parts));
}
