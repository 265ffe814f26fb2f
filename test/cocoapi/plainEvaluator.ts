/**
 * @file COCO's evaluation once more, slow and plain, from its definition: for every figure it asks directly which
 * detection takes which annotation, and for every recall which is the best precision from there on.
 */
import type {CocoAnnotation, CocoDataset, CocoResult} from '../../src/cocoapi/index.js';

type Similarity = (detection: CocoResult, truth: CocoAnnotation) => number;

export interface PlainSettings {
  readonly similarity: Similarity;
  readonly isIgnored: (truth: CocoAnnotation) => boolean;
  readonly detectionArea: (detection: CocoResult) => number;
  readonly maxDets: number;
}

interface Judged {
  readonly score: number;
  readonly verdict: 'right' | 'wrong' | 'ignored';
}

export function plainOks(sigmas: readonly number[]): Similarity {
  return ({keypoints: d = []}, {keypoints: g = [], bbox: [x, y, w, h], area}) => {
    const all = sigmas.map((sigma, k) => ({sigma, k, isLabelled: g[3 * k + 2] > 0}));
    const labelled = all.filter(({isLabelled}) => isLabelled);
    const used = labelled.length > 0 ? labelled : all;
    const away = (value: number, low: number, high: number) =>
      value < low ? low - value : value > high ? value - high : 0;
    const terms = used.map(({sigma, k, isLabelled}) => {
      const dx = isLabelled ? d[3 * k] - g[3 * k] : away(d[3 * k], x - w, x + 2 * w);
      const dy = isLabelled ? d[3 * k + 1] - g[3 * k + 1] : away(d[3 * k + 1], y - h, y + 2 * h);
      // Exactly hit is hit, also where there is no area to divide by.
      return dx === 0 && dy === 0 ? 1 : Math.exp(-(dx ** 2 + dy ** 2) / (8 * sigma ** 2 * area));
    });
    return terms.reduce((a, b) => a + b, 0) / terms.length;
  };
}

export const plainIou: Similarity = ({bbox: d = []}, {bbox: g, iscrowd}) => {
  const overlap = (axis: 0 | 1) =>
    Math.max(0, Math.min(d[axis] + d[axis + 2], g[axis] + g[axis + 2]) - Math.max(d[axis], g[axis]));
  const shared = overlap(0) * overlap(1);
  return shared === 0 ? 0 : shared / (d[2] * d[3] + (iscrowd ? 0 : g[2] * g[3] - shared));
};

export function plainFigure(
  {images, annotations}: CocoDataset,
  results: readonly CocoResult[],
  settings: PlainSettings,
  {
    kind,
    thresholds,
    area,
  }: {kind: 'AP' | 'AR'; thresholds: readonly number[]; area: readonly [number, number]},
): number {
  const isOut = (size: number) => size < area[0] || size > area[1];
  const counts = (truth: CocoAnnotation) => !settings.isIgnored(truth) && !isOut(truth.area);
  const positives = annotations.filter(counts).length;
  if (positives === 0) return -1;
  const values = thresholds.flatMap((threshold) => {
    const judged = images
      .map(({id}) => id)
      .sort((a, b) => a - b)
      .flatMap((image) => {
        const truths = annotations.filter((truth) => truth.image_id === image);
        const detections = byScore(results.filter((result) => result.image_id === image));
        return judge(detections.slice(0, settings.maxDets), truths, threshold, {settings, counts, isOut});
      });
    const curve = curveOf(byScore(judged), positives);
    if (kind === 'AR') return [Math.max(0, ...curve.map(({recall}) => recall))];
    return Array.from({length: 101}, (_, i) =>
      Math.max(0, ...curve.filter(({recall}) => recall >= i * 0.01).map(({precision}) => precision)),
    );
  });
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function byScore<T extends {score: number}>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => b.score - a.score);
}

function judge(
  detections: readonly CocoResult[],
  truths: readonly CocoAnnotation[],
  threshold: number,
  {
    settings,
    counts,
    isOut,
  }: {settings: PlainSettings; counts: (t: CocoAnnotation) => boolean; isOut: (a: number) => boolean},
): Judged[] {
  const taken = new Set<CocoAnnotation>();
  return detections.map((detection) => {
    const likely = truths.filter(
      (truth) =>
        (truth.iscrowd || !taken.has(truth)) &&
        settings.similarity(detection, truth) >= Math.min(threshold, 1 - 1e-10),
    );
    const preferred = likely.some(counts) ? likely.filter(counts) : likely;
    const best = Math.max(...preferred.map((truth) => settings.similarity(detection, truth)));
    const match = preferred.filter((truth) => settings.similarity(detection, truth) === best).at(-1);
    if (match) taken.add(match);
    const isIgnored = match ? !counts(match) : isOut(settings.detectionArea(detection));
    return {score: detection.score, verdict: isIgnored ? 'ignored' : match ? 'right' : 'wrong'};
  });
}

function curveOf(judged: readonly Judged[], positives: number): {recall: number; precision: number}[] {
  return judged
    .map((_, last) => judged.slice(0, last + 1))
    .map((first) => {
      const right = first.filter(({verdict}) => verdict === 'right').length;
      const wrong = first.filter(({verdict}) => verdict === 'wrong').length;
      return {recall: right / positives, precision: right === 0 ? 0 : right / (right + wrong)};
    });
}
