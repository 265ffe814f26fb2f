/** @file From matches to precision over recall: pycocotools' `accumulate` for one category, area range and count. */
import type {ImageEvaluation} from './evaluateImage.js';

export interface PrecisionRecall {
  /** [thresholds × recall thresholds]: the best precision at that recall or more; 0 where it is not reached. */
  readonly precision: Float64Array;
  /** [thresholds × recall thresholds]: the score of the detection that reaches the recall. */
  readonly scores: Float64Array;
  /** [thresholds]: the greatest recall. */
  readonly recall: Float64Array;
}

/** numpy's spacing(1). */
const SPACING = 2 ** -52;

const IGNORED = 0;
const RIGHT = 1;
const WRONG = 2;

/** The detections of all images by falling score. */
interface Ranking {
  readonly scores: Float64Array;
  /** [thresholds × detections]: IGNORED, RIGHT or WRONG. */
  readonly outcomes: Uint8Array;
}

/**
 * @param images evaluations of one category and area range, in the order of their images
 * @param maxDet how many detections of each image count
 * @returns null where there is no annotation to find
 */
export function precisionRecall(
  images: readonly ImageEvaluation[],
  maxDet: number,
  thresholds: number,
  recallThresholds: readonly number[],
): PrecisionRecall | null {
  const positives = images.reduce((sum, {gtIgnore}) => sum + gtIgnore.filter((ignore) => !ignore).length, 0);
  if (positives === 0) return null;
  const ranking = rank(images, maxDet, thresholds);
  const count = recallThresholds.length;
  const curves = {
    precision: new Float64Array(thresholds * count),
    scores: new Float64Array(thresholds * count),
    recall: new Float64Array(thresholds),
  };
  for (let t = 0; t < thresholds; t++) {
    const {recalls, precisions} = curveAt(t, ranking, positives);
    curves.recall[t] = recalls.at(-1) ?? 0;
    recallThresholds.forEach((threshold, r) => {
      const i = firstAtLeast(recalls, threshold);
      if (i === recalls.length) return;
      curves.precision[t * count + r] = precisions[i];
      curves.scores[t * count + r] = ranking.scores[i];
    });
  }
  return curves;
}

function rank(images: readonly ImageEvaluation[], maxDet: number, thresholds: number): Ranking {
  const counts = images.map(({dtIds}) => Math.min(maxDet, dtIds.length));
  const count = counts.reduce((sum, own) => sum + own, 0);
  const scores = new Float64Array(count);
  const outcomes = new Uint8Array(thresholds * count);
  let first = 0;
  images.forEach((image, i) => {
    scores.set(image.dtScores.subarray(0, counts[i]), first);
    for (let t = 0; t < thresholds; t++) {
      for (let d = 0; d < counts[i]; d++) outcomes[t * count + first + d] = outcome(image, t, d);
    }
    first += counts[i];
  });
  return ordered(scores, outcomes);
}

/** By falling score; ties keep the order of the images, as with numpy's mergesort. */
function ordered(scores: Float64Array, outcomes: Uint8Array): Ranking {
  const count = scores.length;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  const sorted = {scores: new Float64Array(count), outcomes: new Uint8Array(outcomes.length)};
  for (let i = 0; i < count; i++) sorted.scores[i] = scores[order[i]];
  for (let first = 0; first < outcomes.length; first += count) {
    for (let i = 0; i < count; i++) sorted.outcomes[first + i] = outcomes[first + order[i]];
  }
  return sorted;
}

function outcome({dtIds, dtMatches, dtIgnore}: ImageEvaluation, t: number, d: number): number {
  const at = t * dtIds.length + d;
  if (dtIgnore[at]) return IGNORED;
  return dtMatches[at] !== 0 ? RIGHT : WRONG;
}

/** Recall and precision after each detection; the precision made to fall with rising recall. */
function curveAt(t: number, {scores, outcomes}: Ranking, positives: number) {
  const count = scores.length;
  const recalls = new Float64Array(count);
  const precisions = new Float64Array(count);
  let right = 0;
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    if (outcomes[t * count + i] === RIGHT) right++;
    else if (outcomes[t * count + i] === WRONG) wrong++;
    recalls[i] = right / positives;
    precisions[i] = right / (wrong + right + SPACING);
  }
  for (let i = count - 1; i > 0; i--) precisions[i - 1] = Math.max(precisions[i - 1], precisions[i]);
  return {recalls, precisions};
}

/** Index of the first of the rising `values` that is not below `threshold`, or their number. */
function firstAtLeast(values: Float64Array, threshold: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}
