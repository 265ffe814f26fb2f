/**
 * @file PCKh on MPII, as the HRNet repository prints it (Sun et al. 2019, lib/dataset/mpii.py `evaluate`, after the
 * evaluation of Andriluka et al. 2014): an error counts in units of 60 % of the head box's diagonal.
 */
import {countWithin} from './pck.js';

/** MPII's ground truth, in the order of its people; coordinates are MATLAB's, counted from 1. */
export interface PckhTruth {
  readonly jointNames: readonly string[];
  /** [people × joints × 2]. */
  readonly joints: readonly (readonly (readonly number[])[])[];
  /** [people × joints]: 1 where the joint is not labelled. */
  readonly missing: readonly (readonly number[])[];
  /** [people]: upper left and lower right corner of the head; null where there is none. */
  readonly headBoxes: readonly (readonly (readonly number[])[] | null)[];
}

/** [people × joints × 2], counted from 1 like the truth; null for a person or joint that was not predicted. */
export type PckhPredictions = readonly (readonly (readonly number[] | null)[] | null)[];

/** HRNet's row, in percent; −1 where there was nothing to measure. */
export interface PckhTable {
  readonly Head: number;
  readonly Shoulder: number;
  readonly Elbow: number;
  readonly Wrist: number;
  readonly Hip: number;
  readonly Knee: number;
  readonly Ankle: number;
  readonly Mean: number;
  readonly 'Mean@0.1': number;
  readonly per_joint: Readonly<Record<string, number>>;
}

export interface PckhResult {
  readonly table: PckhTable;
  /** Labelled joints that took part, in the order of the truth's joints. */
  readonly counts: readonly number[];
  /** Positions of the people who have no head box, and so cannot be measured. */
  readonly withoutHead: readonly number[];
}

/** SC_BIAS: the part of the head box's diagonal that is the head's length. */
const HEAD_SHARE = 0.6;
const THRESHOLD = 0.5;
/** "Mean@0.1" is HRNet's name for entry 11 of its thresholds 0, 0.01, 0.02 …, which is 0.11. */
const FINE_THRESHOLD = 11 * 0.01;
/** HRNet's names of MPII's joints, in the order of its files. */
export const MPII_JOINTS = [
  ...['rank', 'rkne', 'rhip', 'lhip', 'lkne', 'lank', 'pelv', 'thor'],
  ...['neck', 'head', 'rwri', 'relb', 'rsho', 'lsho', 'lelb', 'lwri'],
] as const;
const GROUPS = {
  Head: ['head'],
  Shoulder: ['lsho', 'rsho'],
  Elbow: ['lelb', 'relb'],
  Wrist: ['lwri', 'rwri'],
  Hip: ['lhip', 'rhip'],
  Knee: ['lkne', 'rkne'],
  Ankle: ['lank', 'rank'],
} as const;
/** Pelvis and thorax follow from other joints: they have a row, but no part in the mean. */
const OUTSIDE_MEAN: readonly string[] = ['pelv', 'thor'];

export function pckh(truth: PckhTruth, predictions: PckhPredictions): PckhResult {
  const {jointNames} = truth;
  const {errors, withoutHead} = headErrors(truth, predictions);
  const {counts, right} = countWithin(errors, jointNames.length, THRESHOLD);
  const fine = countWithin(errors, jointNames.length, FINE_THRESHOLD).right;
  const rate = (k: number) => (counts[k] === 0 ? -1 : (100 * right[k]) / counts[k]);
  const group = (names: readonly string[]) => meanOf(names.map((name) => rate(jointNames.indexOf(name))));
  const inMean = jointNames.flatMap((name, k) => (OUTSIDE_MEAN.includes(name) ? [] : [k]));
  const pooled = (correct: readonly number[]) => {
    const [hits, all] = [correct, counts].map((list) => inMean.reduce((sum, k) => sum + list[k], 0));
    return all === 0 ? -1 : (100 * hits) / all;
  };
  const table: PckhTable = {
    Head: group(GROUPS.Head),
    Shoulder: group(GROUPS.Shoulder),
    Elbow: group(GROUPS.Elbow),
    Wrist: group(GROUPS.Wrist),
    Hip: group(GROUPS.Hip),
    Knee: group(GROUPS.Knee),
    Ankle: group(GROUPS.Ankle),
    Mean: pooled(right),
    'Mean@0.1': pooled(fine),
    per_joint: Object.fromEntries(jointNames.map((name, k) => [name, rate(k)])),
  };
  return {table, counts, withoutHead};
}

/** [people × joints]: distances in head lengths; NaN where joint or head are missing. */
function headErrors({jointNames, joints, missing, headBoxes}: PckhTruth, predictions: PckhPredictions) {
  const K = jointNames.length;
  const errors = new Float64Array(joints.length * K).fill(Number.NaN);
  const withoutHead: number[] = [];
  joints.forEach((person, p) => {
    const head = headLength(headBoxes[p]);
    if (head === null) {
      withoutHead.push(p);
      return;
    }
    person.forEach(([x, y], k) => {
      if (missing[p][k]) return;
      const predicted = predictions[p]?.[k];
      errors[p * K + k] = predicted
        ? Math.hypot(predicted[0] - x, predicted[1] - y) / head
        : Number.POSITIVE_INFINITY;
    });
  });
  return {errors, withoutHead};
}

/** null where the box is missing or has no extent. */
function headLength(corners: PckhTruth['headBoxes'][number]): number | null {
  if (!corners) return null;
  const [[left, top], [right, bottom]] = corners;
  const length = Math.hypot(right - left, bottom - top) * HEAD_SHARE;
  return length > 0 && Number.isFinite(length) ? length : null;
}

/** The left and the right joint count alike; where only one of them was measured, it alone. */
function meanOf(rates: readonly number[]): number {
  const measured = rates.filter((rate) => rate !== -1);
  return measured.length === 0 ? -1 : measured.reduce((sum, rate) => sum + rate, 0) / measured.length;
}

/** What the table leaves out, a sentence each. */
export function pckhNotes({withoutHead, counts}: PckhResult, truth: PckhTruth): string[] {
  const notes: string[] = [];
  if (withoutHead.length > 0) {
    notes.push(
      `${withoutHead.length} of ${truth.joints.length} people have no head box, by which PCKh divides, and are left out ` +
        `(first: person ${withoutHead[0]}, counted from 0).`,
    );
  }
  const unlabelled = truth.jointNames.filter((_, k) => counts[k] === 0);
  if (unlabelled.length > 0) {
    notes.push(`-1 stands where nobody has the joint labelled: ${unlabelled.join(', ')}.`);
  }
  return notes;
}
