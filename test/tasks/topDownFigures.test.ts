/** @file The metrics that a configuration asks for, over predictions that are a known distance off. */
import {describe, expect, it} from 'vitest';
import type {Config} from '../../src/config/schema.js';
import {Findings} from '../../src/data/datasets/rules.js';
import type {TopDownDataset} from '../../src/data/datasets/topDown.js';
import {type KeypointSet, loadKeypointSet} from '../../src/data/keypoints.js';
import type {Person} from '../../src/data/types.js';
import {type PredictedPerson, scorePredictions} from '../../src/tasks/topDownEvaluation.js';
import {checkMetrics, primaryFigure} from '../../src/tasks/topDownFigures.js';
import {CONFIG} from '../train/config.js';

const COCO17 = loadKeypointSet('coco17');
/** MPII's sixteen joints, in the order of its files. */
const MPII_JOINTS = [
  ...['rank', 'rkne', 'rhip', 'lhip', 'lkne', 'lank', 'pelv', 'thor'],
  ...['neck', 'head', 'rwri', 'relb', 'rsho', 'lsho', 'lelb', 'lwri'],
];
const MPII16: KeypointSet = {
  ...COCO17,
  name: 'mpii16',
  names: MPII_JOINTS.map((joint) => `joint_${joint}`),
  sigmas: MPII_JOINTS.map(() => 0.08),
};

function settings(changes: Partial<Config['eval']>): Config['eval'] {
  return {...CONFIG.eval, ...changes};
}

/** A person of one image, its keypoints on a diagonal from (100, 100). */
function person(id: number, keypoints: number, annotated = true): Person {
  const points = Array.from({length: keypoints}, (_, k) => [100 + 10 * k + 1000 * id, 100 + 10 * k, 2]);
  return {
    imageId: id,
    imageFile: `${id}.jpg`,
    annotationId: annotated ? id : null,
    box: [100 + 1000 * id, 100, 160, 200],
    score: 1,
    keypoints: points.flat(),
  };
}

function predicted(own: Person, shift: number): PredictedPerson {
  const keypoints = Array.from(
    {length: own.keypoints.length / 3},
    (_, k) => [own.keypoints[3 * k] + shift, own.keypoints[3 * k + 1], 0.9] as const,
  );
  const {imageId, score: boxScore} = own;
  return {person: own, imageId, keypoints, boxScore, area: 32_000, categoryId: 1};
}

function datasetOf(
  people: readonly Person[],
  keypointSet: KeypointSet,
  annotationFile: string,
): TopDownDataset {
  const imageIds = people.map(({imageId}) => imageId);
  const summary = {images: people.length, people: people.length, rejected: []};
  const category = {id: 1, name: 'person'};
  return {
    ...{people, imageIds, imageCount: people.length, annotationFile, keypointSet, summary, category},
    type: 'coco',
    ranges: [{name: annotationFile, start: 0, count: people.length, weight: 1}],
    findings: new Findings(),
    groundTruth: () => ({
      images: imageIds.map((id) => ({id, file_name: `${id}.jpg`})),
      categories: [category],
      annotations: people.map(({imageId, box, keypoints}) => ({
        ...{id: imageId, image_id: imageId, category_id: 1, iscrowd: 0},
        ...{bbox: box, area: 32_000, keypoints, head_box: null},
      })),
    }),
  };
}

describe('on people of whom some overlap', () => {
  const moved = (own: Person, x: number): Person => ({...own, box: [x, 100, 160, 200]});
  // Two on one image, boxes 40 of 160 apart: an IoU of 0.6; a third alone.
  const first = moved(person(1, 17), 1100);
  const second = {...moved(person(2, 17), 1140), imageId: 1};
  const people = [first, second, person(3, 17)];
  const dataset = {
    ...datasetOf(people, COCO17, 'people.json'),
    imageIds: [1, 3],
    groundTruth: () => ({
      images: [1, 3].map((id) => ({id, file_name: `${id}.jpg`})),
      categories: [{id: 1, name: 'person'}],
      annotations: people.map(({annotationId, imageId, box, keypoints}) => ({
        ...{id: annotationId!, image_id: imageId, category_id: 1, iscrowd: 0 as const},
        ...{bbox: box, area: 32_000, keypoints, head_box: null},
      })),
    }),
  };

  it.each([
    ['annotations', true],
    ['a detector', false],
  ])('their own AP counts them alone, in boxes of %s', async (_, annotated) => {
    const shown = people.map((own) => (annotated ? own : {...own, annotationId: null}));
    const predictions = [predicted(shown[0], 0), predicted(shown[1], 0), predicted(shown[2], 1000)];
    const {stats, table} = await scorePredictions(predictions, dataset, settings({overlapIou: 0.5}));
    expect(stats).toMatchObject({AP_overlap: 1, AR_overlap: 1});
    expect(stats.AR).toBeCloseTo(2 / 3, 6);
    expect(table).toContain('AP of 2 people who overlap (IoU >= 0.5): 1.000');
    const worse = [predicted(shown[0], 1000), ...predictions.slice(1)];
    const other = await scorePredictions(worse, dataset, settings({overlapIou: 0.5}));
    expect(other.stats.AR_overlap).toBe(0.5);
  });

  it('is -1, and says why, where nobody does', async () => {
    const predictions = people.map((own) => predicted(own, 0));
    const {stats, note} = await scorePredictions(predictions, dataset, settings({overlapIou: 0.9}));
    expect(stats.AP_overlap).toBe(-1);
    expect(note).toContain('AP_overlap is -1: no two boxes have an IoU of 0.9.');
  });
});

describe('on COCO annotations', () => {
  const people = [person(1, 17), person(2, 17)];
  const dataset = datasetOf(people, COCO17, 'people.json');

  it('every metric has its figures, and the first the primary one', async () => {
    // 30 and 50 pixels off; 0.2 of the longer side of the box, 200, are 40.
    const predictions = [predicted(people[0], 30), predicted(people[1], 50)];
    const config = settings({metrics: ['pck', 'oks', 'auc', 'epe']});
    const {stats, primary, perKeypoint, table} = await scorePredictions(predictions, dataset, config);
    expect(stats).toMatchObject({PCK: 0.5, EPE: 40, NME: expect.closeTo(0.2, 12)});
    expect(primary).toEqual({name: 'PCK', value: 0.5});
    expect(Object.keys(stats)).toEqual(expect.arrayContaining(['AP', 'AR_large', 'AUC']));
    expect(perKeypoint.left_hip).toMatchObject({
      labelled: 2,
      PCK: 0.5,
      EPE: 40,
      'OKS>.50': expect.any(Number),
    });
    expect(table).toContain('Average Precision');
    expect(table).toMatch(/PCK@0\.2 \(box\) +0\.500/);
  });

  it('a detector box goes to the nearest annotation', async () => {
    const boxes = people.map(({imageId}) => person(imageId, 17, false));
    const predictions = [predicted(boxes[0], 0), predicted(boxes[0], 300), predicted(boxes[1], 10)];
    const {stats} = await scorePredictions(predictions, dataset, settings({metrics: ['epe']}));
    expect(stats.EPE).toBe(5);
  });

  it('another figure may decide which checkpoint is the best', () => {
    expect(primaryFigure(settings({metrics: ['oks', 'epe'], primary: 'EPE'}))).toBe('EPE');
    expect(primaryFigure(settings({metrics: ['oks', 'epe']}))).toBe('AP');
  });
});

describe("PCKh on MPII's people", () => {
  const people = [person(1, 16), person(2, 16)];
  const config = settings({metrics: ['pckh']});
  const dataset = datasetOf(people, MPII16, 'valid.json');
  /** The unit is 0.6 · 50 = 30 pixels. */
  const withHead = (own: Person) => ({...own, headBox: [0, 0, 30, 40] as const});

  it('measures by the head boxes of the people', async () => {
    const predictions = [predicted(withHead(people[0]), 14.9), predicted(withHead(people[1]), 15.1)];
    const {stats, primary, note, perKeypoint, table} = await scorePredictions(predictions, dataset, config);
    expect(stats).toEqual({PCKh: 50, 'PCKh@0.1': 0});
    expect(primary).toEqual({name: 'PCKh', value: 50});
    expect(note).toBeNull();
    expect(perKeypoint.joint_head).toEqual({labelled: 2, PCKh: 50});
    expect(table).toMatch(/^Head +Shoulder.*Mean@0\.1\n50\.00/);
  });

  it('leaves out who has none, and says so', async () => {
    const predictions = [predicted(withHead(people[0]), 15), predicted(people[1], 99)];
    const {stats, note} = await scorePredictions(predictions, dataset, config);
    expect(stats.PCKh).toBe(100);
    expect(note).toMatch(/^1 of 2 people have no head box/);
  });

  it("refuses a detector's boxes", async () => {
    const predictions = [predicted(person(1, 16, false), 0)];
    await expect(scorePredictions(predictions, dataset, config)).rejects.toThrow(/useGroundTruthBoxes=true/);
  });

  it('asks for head boxes where nobody has one', async () => {
    await expect(scorePredictions([predicted(people[0], 0)], dataset, config)).rejects.toThrow(
      /dataset\.val\.headBoxes/,
    );
  });
});

describe('what a configuration cannot ask for', () => {
  it.each<[string, Partial<Config['eval']>, KeypointSet, RegExp]>([
    ['a primary figure of no metric', {primary: 'PCK'}, COCO17, /eval\.primary: PCK is not among .* \(AP\)/],
    ['PCKh of other than sixteen joints', {metrics: ['pckh']}, COCO17, /MPII's 16 joints; .*coco17 has 17/],
    [
      'a length between keypoints that the set has not',
      {metrics: ['pck'], pck: {threshold: 0.2, normalizer: 'head'}},
      COCO17,
      /no keypoint "head_top"/,
    ],
  ])('is %s', (_, changes, set, message) => {
    expect(() => checkMetrics(settings(changes), set)).toThrow(message);
  });

  it('is nothing that the defaults ask for', () => {
    expect(() => checkMetrics(CONFIG.eval, COCO17)).not.toThrow();
  });
});
