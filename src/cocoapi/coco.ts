/** @file pycocotools' COCO: an annotation file, indexed, with its queries. */
import {CheckedDataset, checkDataset} from './dataset.js';
import {readJson, readJsonSync} from './records.js';
import {resultDataset} from './results.js';
import type {CocoAnnotation, CocoCategory, CocoImage, CocoResult} from './types.js';

/** An id or a list of ids; nothing, or an empty list, means all. */
export type Ids = number | readonly number[];

export interface AnnotationQuery {
  readonly imgIds?: Ids;
  readonly catIds?: Ids;
  /** Strictly between the two. */
  readonly areaRng?: readonly [number, number];
  readonly iscrowd?: boolean;
}

export interface CategoryQuery {
  readonly catNms?: string | readonly string[];
  readonly supNms?: string | readonly string[];
  readonly catIds?: Ids;
}

/** Ground truth or results, by id. Lists keep the file's order. */
export class COCO {
  readonly dataset: CheckedDataset;
  readonly anns: ReadonlyMap<number, CocoAnnotation>;
  readonly imgs: ReadonlyMap<number, CocoImage>;
  readonly cats: ReadonlyMap<number, CocoCategory>;
  readonly imgToAnns: ReadonlyMap<number, readonly CocoAnnotation[]>;
  /** The image of every annotation of a category. */
  readonly catToImgs: ReadonlyMap<number, readonly number[]>;

  /**
   * @param dataset a parsed annotation file
   * @param source what errors call it
   * @throws UserError 'data' that names the first record that is wrong
   */
  constructor(dataset: unknown, source = 'the ground truth') {
    this.dataset = dataset instanceof CheckedDataset ? dataset : checkDataset(dataset, source);
    const {images, categories, annotations} = this.dataset;
    this.imgs = new Map(images.map((image) => [image.id, image]));
    this.cats = new Map(categories.map((category) => [category.id, category]));
    this.anns = new Map(annotations.map((annotation) => [annotation.id, annotation]));
    this.imgToAnns = grouped(annotations.map((annotation) => [annotation.image_id, annotation]));
    this.catToImgs = grouped(annotations.map(({category_id, image_id}) => [category_id, image_id]));
  }

  /** @throws UserError 'data' that names the file and the first record that is wrong */
  static async fromFile(file: string): Promise<COCO> {
    return new COCO(await readJson(file), file);
  }

  getAnnIds({imgIds, catIds, areaRng, iscrowd}: AnnotationQuery = {}): number[] {
    const images = asList(imgIds);
    const categories = new Set(asList(catIds));
    const candidates =
      images.length > 0 ? images.flatMap((id) => this.imgToAnns.get(id) ?? []) : this.dataset.annotations;
    return candidates
      .filter(({category_id: category}) => categories.size === 0 || categories.has(category))
      .filter(({area}) => !areaRng || (area > areaRng[0] && area < areaRng[1]))
      .filter((annotation) => iscrowd === undefined || (annotation.iscrowd === 1) === iscrowd)
      .map(({id}) => id);
  }

  getCatIds({catNms, supNms, catIds}: CategoryQuery = {}): number[] {
    const ids = asList(catIds);
    const names = asList(catNms);
    const groups = asList(supNms);
    return this.dataset.categories
      .filter(({name}) => names.length === 0 || names.includes(name))
      .filter(({supercategory}) => groups.length === 0 || groups.includes(supercategory ?? ''))
      .filter(({id}) => ids.length === 0 || ids.includes(id))
      .map(({id}) => id);
  }

  /** Images that are among `imgIds` and show every one of `catIds`. */
  getImgIds({imgIds, catIds}: {imgIds?: Ids; catIds?: Ids} = {}): number[] {
    const wanted = asList(imgIds);
    const shown = asList(catIds).map((id) => new Set(this.catToImgs.get(id)));
    const candidates = wanted.length > 0 ? wanted : [...this.imgs.keys()];
    return candidates.filter((id) => shown.every((images) => images.has(id)));
  }

  loadAnns(ids: Ids): CocoAnnotation[] {
    return asList(ids).map((id) => found(this.anns, id, 'annotation'));
  }

  loadCats(ids: Ids): CocoCategory[] {
    return asList(ids).map((id) => found(this.cats, id, 'category'));
  }

  loadImgs(ids: Ids): CocoImage[] {
    return asList(ids).map((id) => found(this.imgs, id, 'image'));
  }

  /**
   * Results for these images, as a dataset of their own: keypoints get the box and area of their extent, boxes
   * their area, all of them ids from 1. An empty list is allowed.
   * @param results the list, or the file that holds it
   * @throws UserError 'data' that names the file and the first record that is wrong
   */
  loadRes(results: readonly CocoResult[] | string): COCO {
    const isFile = typeof results === 'string';
    const content = isFile ? readJsonSync(results) : results;
    return new COCO(resultDataset(content, isFile ? results : 'the results', this.dataset));
  }
}

function asList<T extends number | string>(ids: T | readonly T[] | undefined): readonly T[] {
  if (ids === undefined) return [];
  return Array.isArray(ids) ? ids : [ids as T];
}

function grouped<V>(entries: readonly (readonly [number, V])[]): Map<number, V[]> {
  const groups = new Map<number, V[]>();
  for (const [key, value] of entries) {
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

function found<T>(records: ReadonlyMap<number, T>, id: number, what: string): T {
  const record = records.get(id);
  if (record === undefined) throw new RangeError(`there is no ${what} with the id ${id}`);
  return record;
}
