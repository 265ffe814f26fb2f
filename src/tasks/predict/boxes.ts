/** @file Whom to look for on an image: the boxes of a COCO file, annotated or a detector's, found by the image's name. */
import {basename, extname, sep} from 'node:path';
import {flawOf, isBox, isId, isNumber, isObject, recordName} from '../../data/datasets/records.js';
import {readRecords} from '../../data/json/readRecords.js';
import type {Box} from '../../data/types.js';
import {UserError} from '../../errors.js';

/** A box in pixels of the image, and how sure it is that it holds a person. */
export interface ScoredBox {
  readonly box: Box;
  readonly score: number;
}

/** The people of one image. */
export interface ImageBoxes {
  readonly imageId: number;
  readonly boxes: readonly ScoredBox[];
}

export interface BoxFile {
  /** Annotated boxes are all right; a detector may have found somebody twice. */
  readonly kind: 'annotations' | 'detections';
  /** COCO's id of the people's category. */
  readonly categoryId: number;
  /** Records that are no usable box, each with what is wrong. */
  readonly flaws: readonly string[];
  /** null: the file does not know the image. */
  boxesOf(imageFile: string): ImageBoxes | null;
}

export interface BoxFileOptions {
  /** The people's category by its name; null: `person`, or the only one. */
  readonly category: string | null;
  /** Detections below it are left out. */
  readonly scoreThreshold: number;
}

/** COCO's id of people, for results, which name no categories. */
const PERSON = 1;

interface Raw {
  readonly images: unknown[];
  readonly categories: unknown[];
  /** Annotations, or the results that make up the whole file. */
  readonly records: unknown[];
}

/**
 * Reads boxes from annotations (`images`, `annotations`; crowds are left out), or from a list of results (`image_id`,
 * `bbox`, `score`). Results know images by their ids alone: those are looked for in the file's name, as in
 * `000000000139.jpg`.
 * @throws UserError 'data' if the file is neither, or has no such category
 */
export async function readBoxes(file: string, options: BoxFileOptions): Promise<BoxFile> {
  const raw: Raw = {images: [], categories: [], records: []};
  const {lists, rootIsList} = await readRecords(
    file,
    (key, index, value) => {
      if (index === null) return;
      if (key === 'images') raw.images.push(value);
      else if (key === 'categories') raw.categories.push(value);
      else if (key === 'annotations' || key === '') raw.records.push(value);
    },
    {withoutPolygons: true},
  );
  if (rootIsList) return detections(raw.records, options);
  if (lists.has('images') && lists.has('annotations')) return annotations(file, raw, options);
  throw new UserError(
    'data',
    `${file}: is neither COCO annotations ("images" and "annotations") nor a list of detections.`,
  );
}

/** Sorts usable boxes by image, and notes what is wrong with the others. */
class BoxTable {
  readonly byImage = new Map<number, ScoredBox[]>();
  readonly flaws: string[] = [];

  add(list: string, index: number, record: unknown, score: unknown): void {
    const flaw = boxFlaw(record, score);
    if (flaw !== null) {
      this.flaws.push(`${recordName(list, index, record)}: ${flaw}`);
      return;
    }
    const {image_id: image, bbox: box} = record as {image_id: number; bbox: Box};
    const boxes = this.byImage.get(image) ?? [];
    this.byImage.set(image, boxes);
    boxes.push({box, score: score as number});
  }
}

function boxFlaw(record: unknown, score: unknown): string | null {
  if (!isObject(record)) return 'it is no object';
  if (!isId(record.image_id)) return flawOf(record, 'image_id');
  if (!isBox(record.bbox)) return flawOf(record, 'bbox');
  if (!isNumber(score)) return flawOf(record, 'score');
  return record.bbox[2] > 0 && record.bbox[3] > 0 ? null : `${flawOf(record, 'bbox')}, which is empty`;
}

function detections(records: readonly unknown[], {scoreThreshold}: BoxFileOptions): BoxFile {
  const table = new BoxTable();
  const categories = new Set(records.filter(isObject).map((record) => record.category_id));
  records.forEach((record, i) => {
    const {category_id: category, score} = isObject(record) ? record : {};
    if (categories.size > 1 && category !== PERSON) return;
    if (isNumber(score) && score < scoreThreshold) return;
    table.add('results', i, record, score);
  });
  return {
    kind: 'detections',
    categoryId: categories.size === 1 && isId([...categories][0]) ? ([...categories][0] as number) : PERSON,
    flaws: table.flaws,
    boxesOf: (imageFile) => {
      const imageId = idInName(imageFile);
      const boxes = imageId === null ? undefined : table.byImage.get(imageId);
      return boxes ? {imageId: imageId!, boxes} : null;
    },
  };
}

/** The last number in a file's name: 139 of `COCO_val2014_000000000139.jpg`. */
function idInName(imageFile: string): number | null {
  const digits = basename(imageFile, extname(imageFile)).match(/\d+/g)?.at(-1);
  return digits === undefined ? null : Number(digits);
}

function annotations(file: string, raw: Raw, {category}: BoxFileOptions): BoxFile {
  const wanted = categoryId(file, raw.categories, category);
  const table = new BoxTable();
  raw.records.forEach((record, i) => {
    const {category_id, iscrowd} = isObject(record) ? record : {};
    if ((wanted === null || category_id === wanted) && iscrowd !== 1) table.add('annotations', i, record, 1);
  });
  const names = new ImageNames(raw.images);
  return {
    kind: 'annotations',
    categoryId: isId(wanted) ? wanted : PERSON,
    flaws: table.flaws,
    boxesOf: (imageFile) => {
      const imageId = names.idOf(imageFile, file);
      return imageId === null ? null : {imageId, boxes: table.byImage.get(imageId) ?? []};
    },
  };
}

/** null: everybody, where the file names no categories. */
function categoryId(file: string, records: readonly unknown[], wanted: string | null): unknown {
  const categories = records.filter(isObject);
  const found = categories.find(({name}) => name === (wanted ?? 'person'));
  if (found) return found.id;
  if (wanted === null && categories.length < 2) return categories[0]?.id ?? null;
  const known = categories.map(({name}) => String(name)).join(', ');
  throw new UserError(
    'data',
    `${file}: there is no category "${wanted ?? 'person'}" (there are: ${known}). Set dataset.category to one of them.`,
  );
}

/** Which image of an annotation file a file on the disk is. */
class ImageNames {
  readonly #byName = new Map<string, {name: string; id: number}[]>();

  constructor(images: readonly unknown[]) {
    for (const image of images) {
      if (!isObject(image) || !isId(image.id) || typeof image.file_name !== 'string') continue;
      const name = basename(image.file_name);
      this.#byName.set(name, [...(this.#byName.get(name) ?? []), {name: image.file_name, id: image.id}]);
    }
  }

  /** @throws UserError 'data' if several images have this name, and folders do not tell them apart */
  idOf(imageFile: string, annotationFile: string): number | null {
    const same = this.#byName.get(basename(imageFile)) ?? [];
    const path = imageFile.split(sep).join('/');
    const exact = same.filter(({name}) => path === name || path.endsWith(`/${name}`));
    const found = exact.length > 0 ? exact : same;
    if (found.length < 2) return found[0]?.id ?? null;
    const names = found.map(({name}) => name).join(', ');
    throw new UserError(
      'data',
      `${imageFile}: ${annotationFile} has several images of this name (${names}). Give the image with the folder that ` +
        'tells them apart.',
    );
  }
}
