/** @file Small COCO datasets for the tests of this room. */
import type {CocoAnnotation, CocoDataset, CocoResult, Params, Stats} from '../../src/cocoapi/index.js';
import {COCO, COCOeval, type IouType} from '../../src/cocoapi/index.js';

/** A person of two keypoints; both labelled, at the corners of its box, unless told otherwise. */
export function person(id: number, fields: Partial<CocoAnnotation> = {}): CocoAnnotation {
  const bbox = fields.bbox ?? [0, 0, 100, 100];
  const [x, y, width, height] = bbox;
  const keypoints = fields.keypoints ?? [x, y, 2, x + width, y + height, 2];
  return {id, image_id: 1, category_id: 1, bbox, area: width * height, iscrowd: 0, keypoints, ...fields};
}

export function dataset(
  annotations: readonly CocoAnnotation[],
  imageIds: readonly number[] = [1],
): CocoDataset {
  return {
    images: imageIds.map((id) => ({id, file_name: `${id}.jpg`, width: 640, height: 480})),
    annotations,
    categories: [{id: 1, name: 'person', supercategory: 'human', keypoints: ['head', 'foot']}],
  };
}

/** A result with the person's own keypoints, moved to the right by `shift` pixels. */
export function found(
  {image_id, category_id, keypoints}: CocoAnnotation,
  score: number,
  shift = 0,
): CocoResult {
  const moved = keypoints!.map((value, i) => (i % 3 === 0 ? value + shift : value));
  return {image_id, category_id, keypoints: moved, score};
}

/** Evaluated and accumulated, with sigmas of 0.1 for the two keypoints. */
export function evaluated<T extends IouType>(
  truth: CocoDataset,
  results: readonly CocoResult[],
  iouType: T,
  params: Partial<Params> = {},
): COCOeval<T> {
  const coco = new COCO(truth);
  const evaluator = new COCOeval(coco, coco.loadRes(results), iouType);
  Object.assign(evaluator.params, {kptOksSigmas: [0.1, 0.1], ...params});
  evaluator.evaluate();
  evaluator.accumulate();
  return evaluator;
}

/** The figures by name, rounded to twelve decimals: a precision of 1 is 1 − 2⁻⁵² in pycocotools. */
export function scored<T extends IouType>(...scene: Parameters<typeof evaluated<T>>): Stats[T] {
  const entries = Object.entries(evaluated(...scene).statsObject());
  return Object.fromEntries(entries.map(([name, value]) => [name, Number(value.toFixed(12))])) as Stats[T];
}
