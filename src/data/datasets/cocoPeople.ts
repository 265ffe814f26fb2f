/** @file One annotation of COCO's format after the other, held against the rules: who counts, and who is trained on. */
import type {Box} from '../types.js';
import type {Category, ImageRecord, PersonRecord} from './content.js';
import {type Fields, flawOf, isBox, isId, isNumber, isObject, shown} from './records.js';
import type {Findings, RuleName} from './rules.js';

/** Where an annotation has its keypoints. */
export interface KeypointLayout {
  /** The members that `read` looks at. */
  readonly keys: readonly string[];
  /** The keypoints [keypoints × 3] with visibilities 0, 1 and 2, or what is wrong with them. */
  read(record: Fields): number[] | KeypointFlaw;
  /** How many of them `num_keypoints` counts as labelled. */
  tally(keypoints: readonly number[]): number;
}

export interface KeypointFlaw {
  readonly rule: RuleName;
  readonly detail: string;
}

/** An annotation whose values are in order. */
interface Annotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: Box;
  readonly area?: number;
  readonly iscrowd?: number | boolean;
  readonly num_keypoints?: number;
}

export class CocoPeople {
  /** How many records were people, or could not be told. */
  count = 0;
  readonly #seen = new Set<number>();

  constructor(
    private readonly images: ReadonlyMap<number, ImageRecord>,
    private readonly categories: ReadonlySet<unknown>,
    private readonly category: Category,
    private readonly layout: KeypointLayout,
    private readonly findings: Findings,
  ) {}

  /** The person of an annotation, or null if it is of another category or of no use. */
  person(record: unknown, name: string): PersonRecord | null {
    if (isObject(record) && this.#isOther(record)) return null;
    this.count++;
    const flaw = this.#flaw(record);
    if (flaw !== null) {
      this.findings.add(flaw.rule, name, flaw.detail);
      return null;
    }
    const annotation = record as Fields & Annotation;
    const keypoints = this.layout.read(annotation);
    if (!Array.isArray(keypoints)) {
      this.findings.add(keypoints.rule, name, keypoints.detail);
      return null;
    }
    this.#seen.add(annotation.id);
    return this.#finished(annotation, keypoints, name);
  }

  #isOther({category_id: category}: Fields): boolean {
    return category !== this.category.id && this.categories.has(category);
  }

  /** What makes the record useless, for an evaluation too. */
  #flaw(record: unknown): KeypointFlaw | null {
    if (record === undefined) return {rule: 'notFinite', detail: ''};
    if (!isObject(record)) return {rule: 'annotationMalformed', detail: `it is ${shown(record)}`};
    const {id, image_id: image, category_id: category, bbox, area, iscrowd} = record;
    const malformed = (key: string): KeypointFlaw => ({
      rule: 'annotationMalformed',
      detail: flawOf(record, key),
    });
    if (!isId(id)) return malformed('id');
    if (this.#seen.has(id)) return {rule: 'annotationIdTwice', detail: ''};
    if (!isId(image)) return malformed('image_id');
    if (!this.images.has(image)) return {rule: 'unknownImage', detail: `image ${image} is not in "images"`};
    if (!this.categories.has(category)) {
      return {rule: 'unknownCategory', detail: `category ${shown(category)} is not in "categories"`};
    }
    if (!isBox(bbox)) return malformed('bbox');
    if (area !== undefined && !isNumber(area)) return malformed('area');
    if (![undefined, 0, 1, true, false].includes(iscrowd as number)) return malformed('iscrowd');
    return null;
  }

  #finished(annotation: Annotation, keypoints: readonly number[], name: string): PersonRecord {
    const {id, image_id: imageId, bbox: box, num_keypoints: tally} = annotation;
    const {size} = this.images.get(imageId)!;
    const isCrowd = Boolean(annotation.iscrowd);
    if (annotation.area === undefined) this.findings.add('areaMissing', name);
    const area = annotation.area ?? box[2] * box[3];
    this.#noteKeypoints(keypoints, size!, tally, name);
    const cropBox = insideImage(box, size!);
    const reason = unusable(isCrowd, area, box, cropBox, keypoints);
    if (reason !== null)
      this.findings.add(reason, name, reason.startsWith('box') ? flawOf({bbox: box}, 'bbox') : '');
    else if (isBeyond(box, size!))
      this.findings.add('boxBeyondImage', name, `"bbox" is ${shown(box)} in ${size![0]}x${size![1]}`);
    const crop = reason === null ? cropBox : null;
    return {
      id,
      imageId,
      crop,
      box,
      area,
      isCrowd,
      stated: isNumber(tally) ? tally : null,
      keypoints,
      headBox: null,
    };
  }

  #noteKeypoints(
    keypoints: readonly number[],
    [width, height]: readonly [number, number],
    tally: unknown,
    name: string,
  ): void {
    let [labelled, atOrigin, outside] = [0, 0, 0];
    for (let i = 0; i < keypoints.length; i += 3) {
      if (keypoints[i + 2] === 0) continue;
      const [x, y] = [keypoints[i], keypoints[i + 1]];
      labelled++;
      if (x === 0 && y === 0) atOrigin++;
      else if (x < 0 || y < 0 || x > width || y > height) outside++;
    }
    const many = (count: number) => `${count} of ${labelled}`;
    if (atOrigin > 0) this.findings.add('labelledAtOrigin', name, many(atOrigin));
    if (outside > 0) this.findings.add('keypointOutside', name, many(outside));
    if (tally !== undefined && tally !== this.layout.tally(keypoints)) {
      this.findings.add(
        'keypointTally',
        name,
        `it says ${shown(tally)}, and ${this.layout.tally(keypoints)} are labelled`,
      );
    }
  }
}

/** HRNet's clean box: within the image, one pixel smaller, for COCO's last pixel is x + w − 1. */
export function insideImage(
  [x, y, width, height]: Box,
  [imageWidth, imageHeight]: readonly [number, number],
): Box {
  const left = Math.max(0, x);
  const top = Math.max(0, y);
  const right = Math.min(imageWidth - 1, left + Math.max(0, width - 1));
  const bottom = Math.min(imageHeight - 1, top + Math.max(0, height - 1));
  return [left, top, right - left, bottom - top];
}

/** COCO's own boxes end up to a rounded pixel beyond. */
function isBeyond([x, y, width, height]: Box, [imageWidth, imageHeight]: readonly [number, number]): boolean {
  return x < -1 || y < -1 || x + width > imageWidth + 1 || y + height > imageHeight + 1;
}

/** Why nobody is trained on this person, in HRNet's order. */
function unusable(
  isCrowd: boolean,
  area: number,
  [, , width, height]: Box,
  crop: Box,
  keypoints: readonly number[],
): RuleName | null {
  if (isCrowd) return 'crowd';
  if (keypoints.every((value, i) => i % 3 !== 2 || value === 0)) return 'unlabelled';
  if (width <= 0 || height <= 0) return 'boxEmpty';
  if (crop[2] < 0 || crop[3] < 0) return 'boxOutside';
  if (crop[2] === 0 && crop[3] === 0) return 'boxEmpty';
  return area > 0 ? null : 'areaNotPositive';
}
