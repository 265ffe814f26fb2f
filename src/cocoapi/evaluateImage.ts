/** @file One image's detections matched to its annotations at every threshold (pycocotools' `evaluateImg`). */
import type {CocoAnnotation} from './types.js';

type AreaRange = readonly [number, number];

/** What one image has of one category. */
export interface ImageCase {
  readonly imageId: number;
  /** −1 where categories are not told apart. */
  readonly categoryId: number;
  /** By falling score, at most `maxDet`. */
  readonly detections: readonly CocoAnnotation[];
  /** Of the detections. */
  readonly dtIds: readonly number[];
  readonly dtScores: Float64Array;
  readonly maxDet: number;
  readonly truths: readonly CocoAnnotation[];
  /** By truth: crowds, and people without labelled keypoints. Finding them is no merit, missing them no fault. */
  readonly ignored: readonly boolean[];
  /** [detections × truths]. */
  readonly similarity: Float64Array;
}

/** pycocotools' record of one image, category and area range; T thresholds, D detections, G annotations. */
export interface ImageEvaluation {
  readonly imageId: number;
  readonly categoryId: number;
  readonly aRng: AreaRange;
  readonly maxDet: number;
  readonly dtIds: readonly number[];
  /** Ignored annotations stand last. */
  readonly gtIds: readonly number[];
  /** [T × D]: the id of the matched annotation, or 0. */
  readonly dtMatches: Float64Array;
  /** [T × G]: the id of the matched detection, or 0. */
  readonly gtMatches: Float64Array;
  readonly dtScores: Float64Array;
  /** [G]. */
  readonly gtIgnore: Uint8Array;
  /** [T × D]: counts neither as right nor as wrong. */
  readonly dtIgnore: Uint8Array;
}

/** Matches greedily by falling score: each detection takes the most similar annotation that is still free. */
export function evaluateImage(
  image: ImageCase,
  aRng: AreaRange,
  thresholds: readonly number[],
): ImageEvaluation {
  const {detections, truths} = image;
  const ignored = truths.map((truth, g) => image.ignored[g] || isOutside(truth, aRng));
  // Stable: within both groups the order of the file decides ties.
  const order = truths.map((_, g) => g).sort((a, b) => Number(ignored[a]) - Number(ignored[b]));
  const sorted = order.map((g) => truths[g]);
  const evaluation = {
    imageId: image.imageId,
    categoryId: image.categoryId,
    aRng,
    maxDet: image.maxDet,
    dtIds: image.dtIds,
    gtIds: sorted.map(({id}) => id),
    dtMatches: new Float64Array(thresholds.length * detections.length),
    gtMatches: new Float64Array(thresholds.length * truths.length),
    dtScores: image.dtScores,
    gtIgnore: flags(order, (g) => ignored[g]),
    dtIgnore: new Uint8Array(thresholds.length * detections.length),
  };
  const similarity = reordered(image.similarity, order);
  const isCrowd = flags(sorted, ({iscrowd}) => iscrowd === 1);
  const isAway = flags(detections, (detection) => isOutside(detection, aRng));
  thresholds.forEach((threshold, t) => {
    matchAt(threshold, t, evaluation, similarity, isCrowd);
    ignoreUnmatched(t, evaluation, isAway);
  });
  return evaluation;
}

/** `Uint8Array.from` with a function walks an iterator, which is ten times as slow. */
function flags<T>(list: readonly T[], isSet: (item: T) => boolean): Uint8Array {
  const bytes = new Uint8Array(list.length);
  for (let i = 0; i < list.length; i++) bytes[i] = isSet(list[i]) ? 1 : 0;
  return bytes;
}

function isOutside({area}: CocoAnnotation, [low, high]: AreaRange): boolean {
  return area < low || area > high;
}

/** The columns of [rows × order.length] in another order. */
function reordered(matrix: Float64Array, order: readonly number[]): Float64Array {
  const width = order.length;
  const result = new Float64Array(matrix.length);
  for (let first = 0; first < matrix.length; first += width) {
    for (let g = 0; g < width; g++) result[first + g] = matrix[first + order[g]];
  }
  return result;
}

function matchAt(
  threshold: number,
  t: number,
  {dtIds, gtIds, dtMatches, gtMatches, gtIgnore, dtIgnore}: ImageEvaluation,
  similarity: Float64Array,
  isCrowd: Uint8Array,
): void {
  const [D, G] = [dtIds.length, gtIds.length];
  for (let d = 0; d < D; d++) {
    let best = -1;
    let floor = Math.min(threshold, 1 - 1e-10);
    for (let g = 0; g < G; g++) {
      if (gtMatches[t * G + g] > 0 && !isCrowd[g]) continue;
      // Ignored annotations come last: they are for detections that found nothing that counts.
      if (best >= 0 && !gtIgnore[best] && gtIgnore[g]) break;
      // A later annotation wins a tie, as in pycocotools.
      if (similarity[d * G + g] < floor) continue;
      floor = similarity[d * G + g];
      best = g;
    }
    if (best < 0) continue;
    dtIgnore[t * D + d] = gtIgnore[best];
    dtMatches[t * D + d] = gtIds[best];
    gtMatches[t * G + best] = dtIds[d];
  }
}

/** Detections that found nothing are no error where their own size is outside the area range. */
function ignoreUnmatched(t: number, {dtIds, dtMatches, dtIgnore}: ImageEvaluation, isAway: Uint8Array): void {
  for (let d = 0; d < dtIds.length; d++) {
    const at = t * dtIds.length + d;
    if (dtMatches[at] === 0 && isAway[d]) dtIgnore[at] = 1;
  }
}
