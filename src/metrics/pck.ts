/**
 * @file Distances between predicted and true keypoints, and the figures made of them: PCK (Yang & Ramanan 2013), the
 * area under its curve, and the end-point error.
 */
import {lengthInWords, lengthOf, type Normalizer} from './normalizer.js';
import type {PosePair} from './posePairs.js';

/** Distances of all keypoints of all people, row-major over N people and K keypoints. */
export interface KeypointErrors {
  readonly names: readonly string[];
  /** [N × K] in pixels. NaN: not labelled; Infinity: the person was not found. */
  readonly pixels: Float64Array;
  /** [N × K], divided by the person's length; NaN too where that cannot be measured. */
  readonly normalized: Float64Array;
  /** People without any prediction. */
  readonly notFound: number;
  /** Ids of the people who have no length, and so take part in no normalised figure. */
  readonly withoutLength: readonly number[];
  readonly normalizer: Normalizer;
}

/** A figure for each keypoint and for all; −1 where there was nothing to measure. */
export interface KeypointFigure {
  readonly mean: number;
  readonly perKeypoint: readonly number[];
  /** Keypoints that took part. */
  readonly counts: readonly number[];
}

/** Upper end of the thresholds of `auc`, and the spacing of HRNet's and MPII's curves. */
const AUC_END = 0.5;
const AUC_STEPS = 50;

/** @throws UserError 'usage' if the normaliser does not fit the keypoint set */
export function keypointErrors(
  pairs: readonly PosePair[],
  names: readonly string[],
  normalizer: Normalizer,
): KeypointErrors {
  const length = lengthOf(normalizer, names);
  const K = names.length;
  const pixels = new Float64Array(pairs.length * K);
  const normalized = new Float64Array(pairs.length * K);
  const withoutLength: number[] = [];
  pairs.forEach((pair, p) => {
    const unit = length(pair);
    if (unit === null) withoutLength.push(pair.id);
    for (let k = 0; k < K; k++) {
      const error = distance(pair, k);
      pixels[p * K + k] = error;
      normalized[p * K + k] = error / (unit ?? Number.NaN);
    }
  });
  const notFound = pairs.filter(({predicted}) => predicted === null).length;
  return {names, pixels, normalized, notFound, withoutLength, normalizer};
}

function distance({truth, predicted}: PosePair, k: number): number {
  if (!(truth[3 * k + 2] > 0)) return Number.NaN;
  if (predicted === null) return Number.POSITIVE_INFINITY;
  return Math.hypot(predicted[3 * k] - truth[3 * k], predicted[3 * k + 1] - truth[3 * k + 1]);
}

/** How many of [N × K] `errors` of each keypoint count, and how many of those are within the threshold. */
export function countWithin(errors: Float64Array, K: number, threshold: number) {
  const counts = new Array<number>(K).fill(0);
  const right = new Array<number>(K).fill(0);
  errors.forEach((error, i) => {
    if (Number.isNaN(error)) return;
    counts[i % K]++;
    if (error <= threshold) right[i % K]++;
  });
  return {counts, right};
}

/**
 * Percentage of correct keypoints, as a share from 0 to 1: errors of at most `threshold` lengths. `mean` is the mean
 * of the keypoints' shares (MMPose's PCKAccuracy), each keypoint weighing the same.
 */
export function pck({normalized, names}: KeypointErrors, threshold: number): KeypointFigure {
  const {counts, right} = countWithin(normalized, names.length, threshold);
  const perKeypoint = counts.map((count, k) => (count === 0 ? -1 : right[k] / count));
  return {mean: meanMeasured(perKeypoint), perKeypoint, counts};
}

/** Area under PCK over thresholds from 0 to 0.5 in steps of 0.01, by the trapezoidal rule; 1 is perfect. */
export function auc(errors: KeypointErrors): KeypointFigure {
  const curve = Array.from({length: AUC_STEPS + 1}, (_, i) => pck(errors, (i * AUC_END) / AUC_STEPS));
  const area = (value: (figure: KeypointFigure) => number) => {
    if (value(curve[0]) === -1) return -1;
    const ends = (value(curve[0]) + value(curve[AUC_STEPS])) / 2;
    return (ends + curve.slice(1, -1).reduce((sum, figure) => sum + value(figure), 0)) / AUC_STEPS;
  };
  const {counts} = curve[0];
  const perKeypoint = counts.map((_, k) => area((figure) => figure.perKeypoint[k]));
  return {mean: area(({mean}) => mean), perKeypoint, counts};
}

/** Mean distance over all labelled keypoints of the people who were found (MMPose's EPE): in pixels, or in lengths. */
export function endPointError(
  {pixels, normalized, names}: KeypointErrors,
  unit: 'pixels' | 'normalized',
): KeypointFigure {
  const K = names.length;
  const counts = new Array<number>(K).fill(0);
  const sums = new Array<number>(K).fill(0);
  (unit === 'pixels' ? pixels : normalized).forEach((error, i) => {
    if (!Number.isFinite(error)) return;
    counts[i % K]++;
    sums[i % K] += error;
  });
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const mean = total(counts) === 0 ? -1 : total(sums) / total(counts);
  return {mean, perKeypoint: sums.map((sum, k) => (counts[k] === 0 ? -1 : sum / counts[k])), counts};
}

function meanMeasured(values: readonly number[]): number {
  const measured = values.filter((value) => value !== -1);
  return measured.length === 0 ? -1 : measured.reduce((sum, value) => sum + value, 0) / measured.length;
}

/** What the figures leave out or count as missed, a sentence each. */
export function errorNotes({notFound, withoutLength, normalizer}: KeypointErrors): string[] {
  const notes: string[] = [];
  if (withoutLength.length > 0) {
    const [first] = withoutLength;
    notes.push(
      `${people(withoutLength.length)} left out of the normalised figures, for want of ${lengthInWords(normalizer)} ` +
        `(first: annotation ${first}).`,
    );
  }
  if (notFound > 0) {
    notes.push(
      `${people(notFound)} not found: no prediction. Their keypoints count as wrong in PCK and AUC; EPE and NME leave them out.`,
    );
  }
  return notes;
}

function people(count: number): string {
  return count === 1 ? '1 annotated person is' : `${count} annotated people are`;
}
