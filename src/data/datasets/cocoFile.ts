/** @file Reads annotation files of COCO's format: images, categories and people, every record checked by the rules. */
import {UserError} from '../../errors.js';
import {readRecords} from '../json/readRecords.js';
import {CocoPeople, type KeypointLayout} from './cocoPeople.js';
import type {AnnotationContent, Category, ImageRecord, ReadContext} from './content.js';
import {type Fields, flawOf, isId, isNumber, isObject, recordName} from './records.js';
import {Findings} from './rules.js';

/** What keypoints need of an annotation, besides where its format keeps them. */
const KEPT = ['id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd', 'num_keypoints'];

/** The file's records, before anything is known of them. */
interface RawFile {
  readonly images: unknown[];
  readonly categories: unknown[];
  readonly annotations: unknown[];
}

/**
 * @param layout where an annotation has its keypoints
 * @throws UserError 'data' if the file cannot be read, is not JSON, or lacks a list or the category
 */
export async function readCocoFile(
  file: string,
  context: ReadContext,
  layout: KeypointLayout,
): Promise<AnnotationContent> {
  const raw = await readRaw(file, [...KEPT, ...layout.keys]);
  const findings = new Findings();
  const images = checkedImages(raw.images, findings);
  const categories = raw.categories.filter(isObject);
  const category = chooseCategory(file, categories, context.category);
  noteKeypointNames(categories, category, context, findings);
  const reader = new CocoPeople(images, new Set(categories.map(({id}) => id)), category, layout, findings);
  const people = raw.annotations.flatMap(
    (record, i) => reader.person(record, recordName('annotations', i, record)) ?? [],
  );
  const counts = {images: raw.images.length, annotations: reader.count};
  return {category, images: [...images.values()], people, counts, findings};
}

/** Keeps of every annotation what is asked for: the rest is many times as large. */
async function readRaw(file: string, keys: readonly string[]): Promise<RawFile> {
  const raw: RawFile = {images: [], categories: [], annotations: []};
  const {lists} = await readRecords(
    file,
    (key, index, value) => {
      if (index === null) return;
      if (key === 'annotations') raw.annotations.push(isObject(value) ? pick(value, keys) : value);
      else if (key === 'images') raw.images.push(isObject(value) ? pick(value, IMAGE_KEYS) : value);
      else if (key === 'categories') raw.categories.push(value);
    },
    {withoutPolygons: true},
  );
  for (const key of Object.keys(raw)) {
    if (lists.has(key)) continue;
    throw new UserError(
      'data',
      `${file}: has no list "${key}": it is not an annotation file in COCO's format.`,
    );
  }
  return raw;
}

const IMAGE_KEYS = ['id', 'file_name', 'width', 'height'];

function pick(record: Fields, keys: readonly string[]): Fields {
  const kept: Record<string, unknown> = {};
  for (const key of keys) if (record[key] !== undefined) kept[key] = record[key];
  return kept;
}

function checkedImages(records: readonly unknown[], findings: Findings): Map<number, ImageRecord> {
  const images = new Map<number, ImageRecord>();
  records.forEach((record, i) => {
    const name = recordName('images', i, record);
    const flaw = imageFlaw(record);
    if (flaw !== null) findings.add('imageMalformed', name, flaw);
    else {
      const {id, file_name, width, height} = record as {
        id: number;
        file_name: string;
        width: number;
        height: number;
      };
      if (images.has(id)) findings.add('imageIdTwice', name);
      else images.set(id, {id, name: file_name, size: [width, height]});
    }
  });
  return images;
}

function imageFlaw(record: unknown): string | null {
  if (!isObject(record)) return record === undefined ? 'it holds NaN or Infinity' : 'it is not an object';
  if (!isId(record.id)) return flawOf(record, 'id');
  if (typeof record.file_name !== 'string' || record.file_name === '') return flawOf(record, 'file_name');
  const isSide = (value: unknown) => isNumber(value) && Number.isInteger(value) && value > 0;
  const wrong = ['width', 'height'].find((key) => !isSide(record[key]));
  return wrong ? flawOf(record, wrong) : null;
}

/** The category that is named; without a name `person`, or the only one there is. */
function chooseCategory(file: string, categories: readonly Fields[], wanted: string | null): Category {
  const named = categories.filter(
    ({id, name}) => isId(id) && typeof name === 'string',
  ) as unknown as Category[];
  const found =
    named.find(({name}) => name === (wanted ?? 'person')) ??
    (wanted === null && named.length === 1 ? named[0] : null);
  if (found) return {id: found.id, name: found.name};
  const known = named.map(({name}) => name).join(', ');
  const which =
    wanted === null ? 'several categories and none with the name "person"' : `no category "${wanted}"`;
  throw new UserError(
    'data',
    `${file}: categories: ${known === '' ? 'there is none.' : `it has ${which}: ${known}. Set dataset.category to one of them.`}`,
  );
}

/** Keypoints in another order than the set's train without an error and score nothing. */
function noteKeypointNames(
  categories: readonly Fields[],
  {id, name}: Category,
  {keypointSet}: ReadContext,
  findings: Findings,
): void {
  const names = categories.find((category) => category.id === id)?.keypoints;
  if (!Array.isArray(names) || names.length === 0) return;
  const plain = (text: unknown) =>
    String(text)
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '');
  // Of COCO-WholeBody it names the body's alone.
  const at = keypointSet.names
    .slice(0, names.length)
    .findIndex((known, i) => plain(known) !== plain(names[i]));
  if (at < 0) return;
  const detail = `keypoint ${at} is ${JSON.stringify(names[at])} there and "${keypointSet.names[at]}" in ${keypointSet.name}`;
  findings.add('keypointNames', `category ${name}`, detail);
}
