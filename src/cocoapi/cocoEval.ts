/** @file pycocotools' COCOeval for keypoints and boxes: evaluate, accumulate, summarize. */
import type {COCO} from './coco.js';
import {keypointFlaw} from './dataset.js';
import {evaluateImage, type ImageCase, type ImageEvaluation} from './evaluateImage.js';
import {pairwiseSum} from './pairwiseSum.js';
import {defaultParams, type IouType, type Params} from './params.js';
import {precisionRecall} from './precisionRecall.js';
import {problem} from './records.js';
import {countLabelled, iou, oks} from './similarity.js';
import {FIGURES, type Figure, figureLine, type Stats} from './summary.js';
import type {CocoAnnotation} from './types.js';

/** The ten figures of a keypoint evaluation; −1 where there was nothing to measure. */
export type KeypointStats = Stats['keypoints'];

/** What `accumulate` makes: row-major arrays over T thresholds, R recalls, K categories, A areas, M counts. */
export interface Accumulated {
  /** T, R, K, A, M. */
  readonly counts: readonly [number, number, number, number, number];
  /** [T, R, K, A, M]; −1 where there is no annotation to find. */
  readonly precision: Float64Array;
  /** [T, R, K, A, M]: the score at which the recall is reached. */
  readonly scores: Float64Array;
  /** [T, K, A, M]: the greatest recall. */
  readonly recall: Float64Array;
}

/**
 * Scores detections against ground truth: `evaluate()`, `accumulate()`, then `summarize()` or `statsObject()`.
 * The numbers are those of pycocotools, also where it is peculiar: an annotation with the id 0 counts as missed
 * even when it is found, so number annotations from 1.
 */
export class COCOeval<T extends IouType = IouType> {
  readonly params: Params;
  /** After `evaluate`: [categories × areas × images]; null where an image has nothing of a category. */
  evalImgs: (ImageEvaluation | null)[] = [];
  /** After `accumulate`. */
  eval: Accumulated | null = null;
  /** After `summarize`: the figures in pycocotools' order. */
  stats: number[] = [];

  constructor(
    readonly cocoGt: COCO,
    readonly cocoDt: COCO,
    readonly iouType: T,
  ) {
    this.params = defaultParams(iouType);
    this.params.imgIds = cocoGt.getImgIds();
    this.params.catIds = cocoGt.getCatIds();
  }

  /**
   * Matches the detections of every image to its annotations.
   * @throws UserError 'data' if keypoints are missing or are not as many as `params.kptOksSigmas`
   */
  evaluate(): void {
    const {params} = this;
    params.imgIds = sortedSet(params.imgIds);
    params.catIds = sortedSet(params.catIds);
    params.maxDets.sort((a, b) => a - b);
    this.eval = null;
    this.evalImgs = this.#categories().flatMap((category) => {
      const cases = params.imgIds.map((image) => this.#case(image, category));
      return params.areaRng.flatMap((aRng) =>
        cases.map((image) => image && evaluateImage(image, aRng, params.iouThrs)),
      );
    });
  }

  #categories(): readonly number[] {
    return this.params.useCats ? this.params.catIds : [-1];
  }

  #case(imageId: number, categoryId: number): ImageCase | null {
    const maxDet = this.params.maxDets.at(-1) ?? 0;
    const truths = this.#records(this.cocoGt, imageId, categoryId);
    // Array.prototype.sort is stable, as numpy's mergesort: ties keep the order of the file.
    const detections = this.#records(this.cocoDt, imageId, categoryId)
      .sort((a, b) => b.score! - a.score!)
      .slice(0, maxDet);
    if (truths.length === 0 && detections.length === 0) return null;
    const similarity = new Float64Array(detections.length * truths.length);
    detections.forEach((detection, d) => {
      truths.forEach((truth, g) => {
        similarity[d * truths.length + g] = this.#similarity(detection, truth);
      });
    });
    const ignored = truths.map((truth) => this.#isIgnored(truth));
    const dtIds = detections.map(({id}) => id);
    const dtScores = new Float64Array(detections.map(({score}) => score!));
    return {imageId, categoryId, detections, dtIds, dtScores, maxDet, truths, ignored, similarity};
  }

  /** The records of one image and category, in the file's order. */
  #records(coco: COCO, imageId: number, categoryId: number): CocoAnnotation[] {
    const all = coco.imgToAnns.get(imageId) ?? [];
    const categories = categoryId === -1 ? this.params.catIds : [categoryId];
    const records = categories.flatMap((category) => all.filter((ann) => ann.category_id === category));
    if (this.iouType === 'keypoints') for (const record of records) this.#requireKeypoints(record, coco);
    return records;
  }

  #requireKeypoints({id, image_id: image, keypoints, score}: CocoAnnotation, {dataset}: COCO): void {
    const count = this.params.kptOksSigmas.length;
    if (keypoints?.length === 3 * count) return;
    const flaw = keypoints
      ? `${keypointFlaw(keypoints, count, score === undefined ? 'visibility' : 'score')} params.kptOksSigmas has ${count} sigmas.`
      : 'has no "keypoints", which this evaluation compares.';
    const record = score === undefined ? `annotation ${id}` : `results[${id - 1}]`;
    throw problem(dataset.source, `${record} (image ${image}): ${flaw}`);
  }

  #similarity(detection: CocoAnnotation, truth: CocoAnnotation): number {
    return this.iouType === 'keypoints'
      ? oks(detection, truth, this.params.kptOksSigmas)
      : iou(detection, truth);
  }

  #isIgnored({iscrowd, keypoints, num_keypoints: labelled}: CocoAnnotation): boolean {
    if (iscrowd) return true;
    return this.iouType === 'keypoints' && (labelled ?? countLabelled(keypoints ?? [])) === 0;
  }

  /** Precision over recall for every threshold, category, area range and number of detections. */
  accumulate(): void {
    const {imgIds, iouThrs, recThrs, areaRng, maxDets} = this.params;
    const [T, R, K] = [iouThrs.length, recThrs.length, this.#categories().length];
    const [A, M, I] = [areaRng.length, maxDets.length, imgIds.length];
    const precision = new Float64Array(T * R * K * A * M).fill(-1);
    const scores = new Float64Array(T * R * K * A * M).fill(-1);
    const recall = new Float64Array(T * K * A * M).fill(-1);
    for (let setting = 0; setting < K * A * M; setting++) {
      const first = Math.floor(setting / M) * I;
      const images = this.evalImgs.slice(first, first + I).filter((image) => image !== null);
      const curves = precisionRecall(images, maxDets[setting % M], T, recThrs);
      curves?.precision.forEach((value, tr) => {
        precision[tr * K * A * M + setting] = value;
        scores[tr * K * A * M + setting] = curves.scores[tr];
      });
      curves?.recall.forEach((value, t) => {
        recall[t * K * A * M + setting] = value;
      });
    }
    this.eval = {counts: [T, R, K, A, M], precision, scores, recall};
  }

  /** The figures as pycocotools prints them, a line each; like there, for the default areas and counts. */
  summarize(): string {
    const figures = FIGURES[this.iouType];
    this.stats = figures.map((figure) => this.#figure(figure));
    return figures.map((figure, i) => figureLine(figure, this.stats[i], this.params)).join('\n');
  }

  /** The figures by name: AP, AP50, AP75, AP_medium … */
  statsObject(): Stats[T] {
    const entries = FIGURES[this.iouType].map((figure) => [figure.name, this.#figure(figure)]);
    return Object.fromEntries(entries) as Stats[T];
  }

  /** The mean over thresholds, recalls and categories of what could be measured; −1 if nothing could. */
  #figure({kind, threshold, area, maxDets}: Figure): number {
    if (this.eval === null) throw new Error('call evaluate() and accumulate() first');
    const [T, R, K, A, M] = this.eval.counts;
    const a = this.params.areaRngLbl.indexOf(area);
    const m = this.params.maxDets.indexOf(maxDets);
    if (a < 0 || m < 0) return -1;
    const values = kind === 'AP' ? this.eval.precision : this.eval.recall;
    const rows = kind === 'AP' ? R : 1;
    const measured: number[] = [];
    for (let row = 0; row < T * rows; row++) {
      if (threshold !== null && this.params.iouThrs[Math.floor(row / rows)] !== threshold) continue;
      for (let k = 0; k < K; k++) {
        const value = values[((row * K + k) * A + a) * M + m];
        if (value !== -1) measured.push(value);
      }
    }
    return measured.length === 0 ? -1 : pairwiseSum(measured) / measured.length;
  }
}

function sortedSet(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
