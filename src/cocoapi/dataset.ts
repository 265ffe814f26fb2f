/** @file Checks ground truth in COCO's format before anything relies on it. */
import {z} from 'zod';
import {areNumbers, checkedRecords, problem, type RecordCheck, recordName} from './records.js';
import type {CocoAnnotation, CocoCategory, CocoDataset, CocoImage} from './types.js';

export const id = z.number().int();
export const box = z.array(z.number()).length(4);

/** Why a missing area is an error, and what to write. */
const AREA_HINT =
  'expected number: the area in square pixels, by which OKS divides; for want of a mask write that of the box';

const imageRecord: RecordCheck = {
  schema: z.object({id}),
  isPlain: (record) => Number.isSafeInteger(record.id),
};
const categoryRecord: RecordCheck = {
  schema: z.object({id, name: z.string(), keypoints: z.array(z.string()).optional()}),
  isPlain: () => false,
};
const annotationRecord: RecordCheck = {
  schema: z.object({
    id,
    image_id: id,
    category_id: id,
    bbox: box,
    area: z.number(AREA_HINT),
    iscrowd: z.union([z.literal(0), z.literal(1)]).optional(),
    keypoints: z.array(z.number()).optional(),
    num_keypoints: z.number().int().optional(),
  }),
  isPlain: (record) =>
    Number.isSafeInteger(record.id) &&
    Number.isSafeInteger(record.image_id) &&
    Number.isSafeInteger(record.category_id) &&
    areNumbers(record.bbox, 4) &&
    Number.isFinite(record.area) &&
    (record.iscrowd === 0 || record.iscrowd === 1) &&
    (record.keypoints === undefined || areNumbers(record.keypoints)) &&
    (record.num_keypoints === undefined || Number.isSafeInteger(record.num_keypoints)),
};

/** A dataset whose records have been checked; `checkDataset` and `resultDataset` make them. */
export class CheckedDataset implements CocoDataset {
  constructor(
    /** The file, or what else errors call it. */
    readonly source: string,
    readonly images: readonly CocoImage[],
    readonly annotations: readonly CocoAnnotation[],
    readonly categories: readonly CocoCategory[],
    /** How many keypoints each category has, for those that have any. */
    readonly keypointCounts: ReadonlyMap<number, number>,
  ) {}
}

/**
 * @param content a parsed annotation file
 * @param source the file's name, for errors
 * @throws UserError that names the source and the first record that is wrong
 */
export function checkDataset(content: unknown, source: string): CheckedDataset {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    const hint = Array.isArray(content) ? ' A list may be a results file: give it to loadRes.' : '';
    throw problem(source, `expected an object with images, annotations and categories.${hint}`);
  }
  const list = <T>(key: keyof CocoDataset, check: RecordCheck): T[] => {
    const records = (content as Record<string, unknown>)[key];
    if (!Array.isArray(records)) {
      throw problem(source, `has no list "${key}": it is not an annotation file in COCO's format.`);
    }
    return checkedRecords<T>(source, key, records, check);
  };
  const images = list<CocoImage>('images', imageRecord);
  const categories = list<CocoCategory>('categories', categoryRecord);
  const annotations = list<CocoAnnotation>('annotations', annotationRecord);
  const knownImages = distinctIds(source, 'images', images);
  const knownCategories = distinctIds(source, 'categories', categories);
  distinctIds(source, 'annotations', annotations);
  const keypointCounts = countKeypoints(categories, annotations);
  annotations.forEach((annotation, i) => {
    const flaw = flawOf(annotation, knownImages, knownCategories, keypointCounts);
    if (flaw !== null) throw problem(source, `${recordName('annotations', i, annotation)}: ${flaw}`);
  });
  return new CheckedDataset(source, images, annotations, categories, keypointCounts);
}

function distinctIds(source: string, key: string, records: readonly {id: number}[]): Set<number> {
  const ids = new Set<number>();
  records.forEach((record, i) => {
    if (ids.has(record.id)) {
      throw problem(source, `${recordName(key, i, record)}: an earlier record has the same id.`);
    }
    ids.add(record.id);
  });
  return ids;
}

/** As the category states, else as its first annotation shows. */
function countKeypoints(
  categories: readonly CocoCategory[],
  annotations: readonly CocoAnnotation[],
): Map<number, number> {
  const counts = new Map<number, number>();
  for (const {id: category, keypoints} of categories) if (keypoints) counts.set(category, keypoints.length);
  for (const {category_id: category, keypoints} of annotations) {
    if (keypoints && !counts.has(category)) counts.set(category, Math.floor(keypoints.length / 3));
  }
  return counts;
}

function flawOf(
  {image_id: image, category_id: category, keypoints}: CocoAnnotation,
  images: ReadonlySet<number>,
  categories: ReadonlySet<number>,
  keypointCounts: ReadonlyMap<number, number>,
): string | null {
  if (!images.has(image)) return `"image_id": image ${image} is not in "images".`;
  if (!categories.has(category)) return `"category_id": category ${category} is not in "categories".`;
  return keypoints ? keypointFlaw(keypoints, keypointCounts.get(category), 'visibility') : null;
}

/** What is wrong with the length of `keypoints`, or null; `count` is undefined where any number will do. */
export function keypointFlaw(
  keypoints: readonly number[],
  count: number | undefined,
  third: 'visibility' | 'score',
): string | null {
  if (keypoints.length === (count === undefined ? 3 * Math.floor(keypoints.length / 3) : 3 * count))
    return null;
  const expected = count === undefined ? 'a multiple of 3' : `${3 * count}`;
  const what = `(x, y and ${third} of ${count === undefined ? 'each keypoint' : `${count} keypoints`})`;
  return `"keypoints": it has ${keypoints.length} numbers; expected ${expected} ${what}.`;
}
