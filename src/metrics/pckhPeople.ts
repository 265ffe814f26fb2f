/** @file Finds the people of a dataset in MPII's ground truth, which has no names for them: by their joints. */
import {UserError} from '../errors.js';
import type {PckhPredictions, PckhTruth} from './pckh.js';

/** One person of a dataset and the prediction for it; coordinates counted from 0. */
export interface PckhPerson {
  /** [joints × 3]: x, y, visibility. */
  readonly truth: ArrayLike<number>;
  /** [joints × 2 or 3]. */
  readonly predicted: readonly (readonly number[])[];
}

/** HRNet's JSON holds whole pixels where the ground truth has fractions. */
const TOLERANCE = 1;

/**
 * The part of the ground truth that was predicted, and the predictions in its order, counted from 1.
 * @param file the ground truth's, for errors
 * @throws UserError 'data' if one of the people is not in the ground truth
 */
export function alignWithTruth(
  people: readonly PckhPerson[],
  truth: PckhTruth,
  file: string,
): {truth: PckhTruth; predictions: PckhPredictions; notes: string[]} {
  const free = new Set(truth.joints.keys());
  const rows = people.map((person, i) => {
    const row = [...free].find((p) => isSame(person, truth, p));
    if (row === undefined) {
      throw new UserError(
        'data',
        `${file}: person ${i} of the validation split has other joints than anybody here. PCKh needs the ground truth ` +
          "of the same split: MPII's gt_valid.mat for valid.json. Correct eval.pckh.annotations.",
      );
    }
    free.delete(row);
    return row;
  });
  const notes =
    free.size === 0
      ? []
      : [
          `PCKh is of ${rows.length} people: ${free.size} others of ${file} are not in the split that was predicted.`,
        ];
  return {
    truth: {
      jointNames: truth.jointNames,
      joints: rows.map((p) => truth.joints[p]),
      missing: rows.map((p) => truth.missing[p]),
      headBoxes: rows.map((p) => truth.headBoxes[p]),
    },
    predictions: people.map(({predicted}) => predicted.map(([x, y]) => [x + 1, y + 1])),
    notes,
  };
}

function isSame({truth: own}: PckhPerson, {joints, missing}: PckhTruth, p: number): boolean {
  if (own.length !== 3 * joints[p].length) return false;
  return joints[p].every(([x, y], k) => {
    if (missing[p][k] || !(own[3 * k + 2] > 0)) return true;
    return Math.abs(own[3 * k] + 1 - x) <= TOLERANCE && Math.abs(own[3 * k + 1] + 1 - y) <= TOLERANCE;
  });
}
