/** @file In words, why an AP is 0: the usual mistakes in results and annotations, the most certain first. */
import type {COCOeval} from './cocoEval.js';
import {iou, oks} from './similarity.js';
import type {CocoAnnotation} from './types.js';

/** Less of the box than this, and an area is not the person's. */
const SMALLEST_SHARE = 0.01;

/** Null where something was right, or where there was nothing to find. */
export function explainNothingRight(evaluator: COCOeval): string | null {
  const stats: Readonly<Record<string, number>> = evaluator.statsObject();
  if (stats.AP !== 0) return null;
  return `AP is 0: ${cause(evaluator)}`;
}

function cause(evaluator: COCOeval): string {
  const {cocoGt, cocoDt, params, iouType} = evaluator;
  const results = cocoDt.dataset.annotations;
  const [truthFile, resultFile] = [cocoGt.dataset.source, cocoDt.dataset.source];
  if (results.length === 0) return `${resultFile} has no results.`;
  const images = new Set(params.imgIds);
  const here = results.filter(({image_id: id}) => images.has(id));
  if (here.length === 0)
    return `none of the ${results.length} results belongs to one of the ${images.size} evaluated images. Are they of another split?`;
  const truths = params.imgIds
    .flatMap((id) => cocoGt.imgToAnns.get(id) ?? [])
    .filter(({iscrowd}) => !iscrowd);
  const categories = new Set(truths.map(({category_id: id}) => id));
  if (params.useCats && !here.some(({category_id: id}) => categories.has(id)))
    return `the results have "category_id" ${here[0].category_id}, the annotations ${[...categories].join(', ')}. Give both the same.`;
  const annotated = new Set(truths.map(({image_id: id}) => id));
  if (!here.some(({image_id: id}) => annotated.has(id)))
    return `no result is on one of the ${annotated.size} images with annotations. Do the results' image ids mean the same images as ${truthFile}?`;
  const flaw = (iouType === 'keypoints' ? areaFlaw(truths) : null) ?? coordinateFlaw(evaluator, here);
  return flaw ?? `${bestInWords(evaluator, here)}`;
}

/** OKS divides by the area: far too small a one makes every distance a large one. */
function areaFlaw(truths: readonly CocoAnnotation[]): string | null {
  const tiny = truths.filter(({area, bbox}) => area < SMALLEST_SHARE * bbox[2] * bbox[3]);
  if (tiny.length < truths.length || tiny.length === 0) return null;
  const [{id, area, bbox}] = tiny;
  return `the areas are less than a hundredth of the boxes (annotation ${id}: area ${area}, box ${bbox[2]} x ${bbox[3]}), and OKS divides by them. Write "area" in square pixels of the image; for want of a mask the box's area.`;
}

function points({keypoints, bbox}: CocoAnnotation): (readonly [number, number])[] {
  if (!keypoints) return [[bbox[0] + bbox[2] / 2, bbox[1] + bbox[3] / 2]];
  return Array.from({length: keypoints.length / 3}, (_, k) => [keypoints[3 * k], keypoints[3 * k + 1]]);
}

function coordinateFlaw({cocoGt}: COCOeval, results: readonly CocoAnnotation[]): string | null {
  const all = results.flatMap(points);
  if (all.every(([x, y]) => x >= 0 && x <= 1.5 && y >= 0 && y <= 1.5))
    return 'all coordinates of the results are between 0 and 1. Write pixels of the original image.';
  const outside = results.filter((result) => {
    const image = cocoGt.imgs.get(result.image_id);
    if (!image?.width || !image.height) return false;
    const [width, height] = [image.width, image.height];
    return points(result).every(([x, y]) => x < 0 || y < 0 || x > width || y > height);
  });
  if (outside.length < results.length) return null;
  return `all ${results.length} results lie outside their images (first: image ${outside[0].image_id}). Write pixels of the original image, x before y.`;
}

function bestInWords(evaluator: COCOeval, results: readonly CocoAnnotation[]): string {
  const {cocoGt, params, iouType} = evaluator;
  let best = {similarity: -1, image: 0};
  for (const result of results) {
    for (const truth of cocoGt.imgToAnns.get(result.image_id) ?? []) {
      if (truth.iscrowd || truth.category_id !== result.category_id) continue;
      const similarity =
        iouType === 'keypoints' ? oks(result, truth, params.kptOksSigmas) : iou(result, truth);
      if (similarity > best.similarity) best = {similarity, image: result.image_id};
    }
  }
  const measure = iouType === 'keypoints' ? 'OKS' : 'IoU';
  if (best.similarity >= params.iouThrs[0])
    return `results are like annotations (the best ${measure} is ${best.similarity.toFixed(3)}, image ${best.image}), but not among the ${params.maxDets.at(-1)} of an image with the best scores. Check the scores.`;
  const advice =
    iouType === 'keypoints'
      ? "the keypoints' order, that they are pixels of the original image and not of a crop, and which weights were used"
      : 'that the boxes are x, y, width, height in pixels of the original image';
  return `no result is like an annotation to ${params.iouThrs[0].toFixed(2)}; the best ${measure} is ${best.similarity.toFixed(3)} (image ${best.image}). Check ${advice}.`;
}
