/** @file A dataset's people as PCKh needs them: with their head boxes from MPII's ground truth, or their own. */
import {UserError} from '../errors.js';
import {MPII_JOINTS, type PckhPredictions, type PckhTruth} from './pckh.js';

/** One person of a dataset and the prediction for it; coordinates counted from 0. */
export interface PckhPerson {
  /** The row of MPII's file, counted from 1. */
  readonly id: number;
  /** [joints × 3]: x, y, visibility. */
  readonly truth: ArrayLike<number>;
  /** [joints × 2 or 3]. */
  readonly predicted: readonly (readonly number[])[];
  /** x, y, width, height. */
  readonly headBox?: readonly number[] | null;
}

export interface PckhCase {
  readonly truth: PckhTruth;
  readonly predictions: PckhPredictions;
  readonly notes: readonly string[];
}

/** HRNet's JSON holds whole pixels where the ground truth has fractions. */
const TOLERANCE = 1;

/** People whose annotations have their head boxes with them. */
export function withOwnHeads(people: readonly PckhPerson[]): PckhCase {
  const perJoint = <T>(value: (k: number) => T) => MPII_JOINTS.map((_, k) => value(k));
  const truth: PckhTruth = {
    jointNames: MPII_JOINTS,
    joints: people.map((person) => perJoint((k) => [person.truth[3 * k], person.truth[3 * k + 1]])),
    missing: people.map((person) => perJoint((k) => Number(!(person.truth[3 * k + 2] > 0)))),
    headBoxes: people.map(({headBox}) => headBox && cornersOf(headBox)).map((corners) => corners ?? null),
  };
  return {truth, predictions: people.map(({predicted}) => predicted), notes: []};
}

function cornersOf([x, y, width, height]: readonly number[]): [number[], number[]] {
  return [
    [x, y],
    [x + width, y + height],
  ];
}

/**
 * The part of MPII's ground truth that was predicted, and the predictions in its order, counted from 1.
 * @param file the ground truth's, for errors
 * @throws UserError 'data' if the rows of both files are not the same people
 */
export function withTruth(people: readonly PckhPerson[], truth: PckhTruth, file: string): PckhCase {
  const rows = people.map((person) => {
    const row = person.id - 1;
    if (row >= 0 && row < truth.joints.length && isSame(person, truth, row)) return row;
    throw new UserError(
      'data',
      `${file}: row ${person.id} of the validation split has other joints than row ${person.id} here. PCKh needs the ` +
        "ground truth of the same split: MPII's gt_valid.mat for valid.json. Correct eval.pckh.annotations.",
    );
  });
  const others = truth.joints.length - new Set(rows).size;
  return {
    truth: {
      jointNames: truth.jointNames,
      joints: rows.map((p) => truth.joints[p]),
      missing: rows.map((p) => truth.missing[p]),
      headBoxes: rows.map((p) => truth.headBoxes[p]),
    },
    predictions: people.map(({predicted}) => predicted.map(([x, y]) => [x + 1, y + 1])),
    notes:
      others === 0
        ? []
        : [
            `PCKh is of ${rows.length} people; ${others} more of ${file} are not in the split that was predicted.`,
          ],
  };
}

/** Most joints agree: at the border of an image, HRNet's JSON and the ground truth do not always. */
function isSame({truth: own}: PckhPerson, {joints, missing}: PckhTruth, row: number): boolean {
  if (own.length !== 3 * joints[row].length) return false;
  const both = joints[row].flatMap(([x, y], k) => {
    if (missing[row][k] || !(own[3 * k + 2] > 0)) return [];
    return [Math.abs(own[3 * k] + 1 - x) <= TOLERANCE && Math.abs(own[3 * k + 1] + 1 - y) <= TOLERANCE];
  });
  return both.length === 0 || both.filter(Boolean).length > both.length / 2;
}
