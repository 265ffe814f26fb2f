import {describe, expect, it} from 'vitest';
import {distanceReport, isBetter} from '../../src/metrics/metricReport.js';
import {lengthOf} from '../../src/metrics/normalizer.js';
import {auc, endPointError, errorNotes, keypointErrors, pck} from '../../src/metrics/pck.js';
import type {PosePair} from '../../src/metrics/posePairs.js';

const NAMES = ['left_shoulder', 'right_hip', 'head_top', 'neck'];

/** Shoulder to hip 50 pixels (30 and 40), head 20; every keypoint found so many pixels to the right. */
function pair(shifts: readonly number[] | null, fields: Partial<PosePair> = {}): PosePair {
  const truth = [100, 100, 2, 130, 140, 2, 100, 60, 1, 100, 80, 2];
  const predicted =
    shifts && truth.map((value, i) => (i % 3 === 0 ? value + shifts[i / 3] : i % 3 === 1 ? value : 1));
  return {id: 1, truth, predicted, box: [90, 50, 60, 100], area: 6000, ...fields};
}

const hidden = (k: number): PosePair => {
  const person = pair([0, 0, 0, 0]);
  const truth = Array.from(person.truth).map((value, i) => (Math.floor(i / 3) === k ? 0 : value));
  return {...person, id: 9, truth};
};

describe('the length of a person', () => {
  it.each([
    ['box', 100],
    ['torso', 50],
    ['head', 20],
    [['right_hip', 'neck'], Math.hypot(30, 60)],
    [35, 35],
  ] as const)('by %j', (normalizer, expected) => {
    expect(lengthOf(normalizer, NAMES)(pair(null))).toBeCloseTo(expected, 12);
  });

  it('is unknown where an end is not labelled, or both are one', () => {
    expect(lengthOf('torso', NAMES)(hidden(1))).toBeNull();
    expect(lengthOf('head', ['head', 'upper_neck'])({truth: [1, 1, 2, 1, 1, 2], box: []})).toBeNull();
    expect(lengthOf('box', NAMES)(pair(null, {box: [5, 5, 0, 0]}))).toBeNull();
  });

  it('needs keypoints that the set has', () => {
    expect(() => lengthOf('torso', ['a', 'b'])).toThrow(/"left_shoulder" among a, b\..*"box"/);
    expect(() => lengthOf(['a', 'c'], ['a', 'b'])).toThrow(/"c"/);
  });
});

describe('PCK', () => {
  it('counts errors up to the threshold, the threshold included', () => {
    // A torso of 50 pixels: 0.2 of it are 10.
    const errors = keypointErrors([pair([10, 10.01, 0, 99])], NAMES, 'torso');
    expect(pck(errors, 0.2)).toEqual({mean: 0.5, perKeypoint: [1, 0, 1, 0], counts: [1, 1, 1, 1]});
  });

  it('is the mean of the keypoints, however often each is labelled', () => {
    const people = [pair([0, 0, 99, 0]), hidden(2), hidden(2)];
    // The head is labelled once, and wrong.
    expect(pck(keypointErrors(people, NAMES, 'box'), 0.2)).toEqual({
      mean: 0.75,
      perKeypoint: [1, 1, 0, 1],
      counts: [3, 3, 1, 3],
    });
  });

  it('counts people who were not found as wrong, and says so', () => {
    const errors = keypointErrors([pair([0, 0, 0, 0]), pair(null)], NAMES, 'box');
    expect(pck(errors, 0.2).mean).toBe(0.5);
    expect(errorNotes(errors)).toEqual([expect.stringMatching(/^1 annotated person is not found/)]);
  });

  it('leaves out people without a length, and names the first', () => {
    const errors = keypointErrors([pair([0, 0, 0, 0]), hidden(1)], NAMES, 'torso');
    expect(pck(errors, 0.2).counts).toEqual([1, 1, 1, 1]);
    expect(errorNotes(errors)).toEqual([
      expect.stringMatching(/^1 annotated person is left out.*labelled torso.*annotation 9/),
    ]);
  });

  it('is -1 where nothing is labelled, which the report explains', () => {
    const nobody = keypointErrors([], NAMES, 'box');
    expect(pck(nobody, 0.2)).toEqual({mean: -1, perKeypoint: [-1, -1, -1, -1], counts: [0, 0, 0, 0]});
    const {figures, notes} = distanceReport(nobody, ['pck', 'auc', 'epe'], 0.2);
    expect(figures).toEqual({PCK: -1, AUC: -1, EPE: -1, NME: -1});
    expect(notes).toEqual([expect.stringMatching(/^PCK, AUC and the errors are -1: no annotated person/)]);
    const {perKeypoint, notes: some} = distanceReport(
      keypointErrors([hidden(2)], NAMES, 'box'),
      ['pck'],
      0.2,
    );
    expect(perKeypoint).toMatchObject({neck: {labelled: 1, PCK: 1}, head_top: {labelled: 0, PCK: -1}});
    expect(some).toEqual([expect.stringMatching(/head_top; their rows are -1/)]);
  });
});

describe('the area under PCK', () => {
  it('is 1 for perfect keypoints, 0 for those beyond half a length', () => {
    expect(auc(keypointErrors([pair([0, 0, 0, 0])], NAMES, 100)).mean).toBeCloseTo(1, 12);
    expect(auc(keypointErrors([pair([51, 51, 51, 51])], NAMES, 100)).mean).toBe(0);
  });

  it('is the part of the thresholds that the error lies below', () => {
    // 20.5 of 100: wrong at 0.20, right at 0.21 and so 29 whole steps of 50, and half of one between.
    const {mean, perKeypoint} = auc(keypointErrors([pair([20.5, 20.5, 0, 99])], NAMES, 100));
    expect(perKeypoint[0]).toBeCloseTo(29.5 / 50, 12);
    expect(mean).toBeCloseTo((29.5 / 50 + 29.5 / 50 + 1 + 0) / 4, 12);
  });
});

describe('the end-point error', () => {
  const errors = keypointErrors([pair([3, 5, 0, 4]), hidden(2), pair(null)], NAMES, 'torso');

  it('is the mean distance of the people found, in pixels or in lengths', () => {
    // Four keypoints with 12 pixels together, three with none.
    expect(endPointError(errors, 'pixels').mean).toBeCloseTo(12 / 7, 12);
    expect(endPointError(errors, 'normalized').mean).toBeCloseTo(12 / 7 / 50, 12);
    expect(endPointError(errors, 'pixels').perKeypoint).toEqual([1.5, 2.5, 0, 2]);
  });
});

describe('the better of two figures', () => {
  it('is the greater one, of errors the smaller', () => {
    expect(isBetter('AP', 0.5, 0.4)).toBe(true);
    expect(isBetter('PCKh', 80, 80)).toBe(false);
    expect(isBetter('EPE', 4, 5)).toBe(true);
    expect(isBetter('EPE', 6, 5)).toBe(false);
  });

  it('is no figure that could not be measured', () => {
    expect([isBetter('AP', -1, null), isBetter('AP', Number.NaN, null)]).toEqual([false, false]);
    expect([isBetter('AP', 0, null), isBetter('EPE', -1, 5)]).toEqual([true, false]);
  });
});
