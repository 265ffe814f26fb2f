/** @file A dataset's people as PCKh needs them: with their head boxes. */
import {MPII_JOINTS, type PckhPredictions, type PckhTruth} from './pckh.js';

/** One person of a dataset and the prediction for it; coordinates counted from 0. */
export interface PckhPerson {
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
}

/** Truth and predictions in the layout of `pckh`. */
export function pckhCase(people: readonly PckhPerson[]): PckhCase {
  const perJoint = <T>(value: (k: number) => T) => MPII_JOINTS.map((_, k) => value(k));
  const truth: PckhTruth = {
    jointNames: MPII_JOINTS,
    joints: people.map((person) => perJoint((k) => [person.truth[3 * k], person.truth[3 * k + 1]])),
    missing: people.map((person) => perJoint((k) => Number(!(person.truth[3 * k + 2] > 0)))),
    headBoxes: people.map(({headBox}) => (headBox ? cornersOf(headBox) : null)),
  };
  return {truth, predictions: people.map(({predicted}) => predicted)};
}

function cornersOf([x, y, width, height]: readonly number[]): [number[], number[]] {
  return [
    [x, y],
    [x + width, y + height],
  ];
}
