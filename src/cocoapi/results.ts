/** @file Results in COCO's format, checked against their ground truth and completed (pycocotools' `loadRes`). */
import {z} from 'zod';
import {box, CheckedDataset, id, keypointFlaw} from './dataset.js';
import {areNumbers, checkedRecords, problem, type RecordCheck, recordName} from './records.js';
import type {CocoAnnotation, CocoResult} from './types.js';

const common = {image_id: id, category_id: id, score: z.number()};
const hasIds = ({image_id: image, category_id: category, score}: Readonly<Record<string, unknown>>) =>
  Number.isSafeInteger(image) && Number.isSafeInteger(category) && Number.isFinite(score);

const boxResult: RecordCheck = {
  schema: z.object({...common, bbox: box, keypoints: z.array(z.number()).optional()}),
  isPlain: (record) =>
    hasIds(record) &&
    areNumbers(record.bbox, 4) &&
    (record.keypoints === undefined || areNumbers(record.keypoints)),
};
const keypointResult: RecordCheck = {
  schema: z.object({...common, keypoints: z.array(z.number()).min(3)}),
  isPlain: (record) =>
    hasIds(record) && areNumbers(record.keypoints) && (record.keypoints as number[]).length >= 3,
};

/**
 * Results as a dataset of the ground truth's images and categories. As in pycocotools the first record decides:
 * if it has a box, the area is the box's; else box and area are the extent of all keypoints. Ids count from 1.
 * @throws UserError that names the source and the first record that is wrong
 */
export function resultDataset(content: unknown, source: string, truth: CheckedDataset): CheckedDataset {
  if (!Array.isArray(content)) throw problem(source, 'expected a list of results.');
  const hasBoxes = Array.isArray(content[0]?.bbox) && content[0].bbox.length > 0;
  const results = checkedRecords<CocoResult>(
    source,
    'results',
    content,
    hasBoxes ? boxResult : keypointResult,
  );
  checkReferences(results, source, truth);
  const annotations = results.map((result, i) => annotationOf(result, i + 1, hasBoxes));
  return new CheckedDataset(source, truth.images, annotations, truth.categories, truth.keypointCounts);
}

function checkReferences(results: readonly CocoResult[], source: string, truth: CheckedDataset): void {
  const images = new Set(truth.images.map((image) => image.id));
  results.forEach((result, i) => {
    const flaw = flawOf(result, images, truth);
    if (flaw !== null) throw problem(source, `${recordName('results', i, result)}: ${flaw}`);
  });
  const categories = new Map(truth.categories.map((category) => [category.id, category.name]));
  // A detector of many classes may well be scored on one; results of none of them are a mistake.
  if (results.length > 0 && !results.some((result) => categories.has(result.category_id))) {
    const known = [...categories].map(([category, name]) => `${category} (${name})`).join(', ');
    throw problem(
      source,
      `results[0]: "category_id": ${results[0].category_id}, and those of all other results, are not among the ` +
        `categories of ${truth.source}: ${known || 'it has none'}.`,
    );
  }
}

function flawOf(
  {image_id: image, category_id: category, keypoints}: CocoResult,
  images: ReadonlySet<number>,
  truth: CheckedDataset,
): string | null {
  if (!images.has(image)) {
    return `"image_id": image ${image} is not in ${truth.source}. Are the results of another split?`;
  }
  return keypoints ? keypointFlaw(keypoints, truth.keypointCounts.get(category), 'score') : null;
}

function annotationOf(result: CocoResult, annotationId: number, hasBoxes: boolean): CocoAnnotation {
  const bbox = hasBoxes ? result.bbox! : extent(result.keypoints!);
  // Field by field: spreading fifty thousand parsed records takes half a second.
  return {
    id: annotationId,
    image_id: result.image_id,
    category_id: result.category_id,
    bbox,
    area: bbox[2] * bbox[3],
    iscrowd: 0,
    keypoints: result.keypoints,
    score: result.score,
  };
}

function extent(keypoints: readonly number[]): number[] {
  let [left, top] = keypoints;
  let [right, bottom] = keypoints;
  for (let i = 3; i < keypoints.length; i += 3) {
    left = Math.min(left, keypoints[i]);
    right = Math.max(right, keypoints[i]);
    top = Math.min(top, keypoints[i + 1]);
    bottom = Math.max(bottom, keypoints[i + 1]);
  }
  return [left, top, right - left, bottom - top];
}
