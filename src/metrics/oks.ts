/** @file OKS-AP of results, with a table by keypoint that says which ones cost it. */
import {type COCO, COCOeval, explainFigures} from '../cocoapi/index.js';
import type {MetricReport, PerKeypoint} from './metricReport.js';
import {tableOf} from './metricReport.js';
import type {PosePair} from './posePairs.js';

export interface OksReport extends MetricReport {
  /** The ten figures as pycocotools prints them. */
  readonly table: string;
}

export interface OksSettings {
  readonly images: readonly number[];
  readonly sigmas: readonly number[];
  readonly names: readonly string[];
  /** Who was predicted as whom, for the table by keypoint. */
  readonly pairs: readonly PosePair[];
}

/** @throws UserError 'data' if keypoints are missing or are not as many as there are sigmas */
export function oksReport(
  truth: COCO,
  detections: COCO,
  {images, sigmas, names, pairs}: OksSettings,
): OksReport {
  const evaluator = new COCOeval(truth, detections, 'keypoints');
  evaluator.params.imgIds = [...images];
  evaluator.params.kptOksSigmas = Float64Array.from(sigmas);
  evaluator.evaluate();
  evaluator.accumulate();
  const note = explainFigures(evaluator);
  return {
    table: evaluator.summarize(),
    figures: evaluator.statsObject(),
    perKeypoint: keypointSimilarities(pairs, names, sigmas),
    notes: note === null ? [] : [note],
  };
}

/**
 * How alike each keypoint of the annotated people is to its prediction, by OKS's own term
 * exp(−d² / (2·area·(2σ)²)): its mean, and the shares above 0.5 and 0.75; people not found count as 0. `error` is the
 * mean of d / √area over those found.
 */
export function keypointSimilarities(
  pairs: readonly PosePair[],
  names: readonly string[],
  sigmas: readonly number[],
): PerKeypoint {
  const columns = names.map((_, k) => {
    const errors = pairs.flatMap(({truth, predicted, area}) => {
      if (!(truth[3 * k + 2] > 0) || !(area > 0)) return [];
      if (predicted === null) return [Number.POSITIVE_INFINITY];
      return [
        Math.hypot(predicted[3 * k] - truth[3 * k], predicted[3 * k + 1] - truth[3 * k + 1]) /
          Math.sqrt(area),
      ];
    });
    const similarities = errors.map((error) => Math.exp(-(error ** 2) / (2 * (2 * sigmas[k]) ** 2)));
    const share = (threshold: number) =>
      mean(similarities.map((similarity) => Number(similarity > threshold)));
    return {
      labelled: errors.length,
      OKS: mean(similarities),
      'OKS>.50': share(0.5),
      'OKS>.75': share(0.75),
      error: mean(errors.filter(Number.isFinite)),
    };
  });
  const keys = ['labelled', 'OKS', 'OKS>.50', 'OKS>.75', 'error'] as const;
  return tableOf(names, Object.fromEntries(keys.map((key) => [key, columns.map((column) => column[key])])));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
