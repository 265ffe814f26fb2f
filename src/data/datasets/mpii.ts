/**
 * @file MPII (Andriluka et al. 2014) in the JSON of the HRNet repository: a list of people, each with centre, scale and
 * sixteen joints counted from 1 (lib/dataset/mpii.py there).
 */
import {UserError} from '../../errors.js';
import {readRecords} from '../json/readRecords.js';
import type {Box} from '../types.js';
import type {AnnotationContent, DatasetType, ImageRecord, PersonRecord, ReadContext} from './content.js';
import {type Fields, flawOf, isBox, isNumber, isNumberList, isObject, recordName, shown} from './records.js';
import {Findings, type RuleName} from './rules.js';

/** A scale of 1 is a person of 200 pixels. */
const PIXELS = 200;
/** HRNet moves the centre down by so many pixels a scale, lest feet be cut off. */
const CENTRE_SHIFT = 15;

interface MpiiRecord {
  readonly image: string;
  readonly center: readonly [number, number];
  readonly scale: number;
  readonly joints: readonly (readonly [number, number])[];
  readonly joints_vis: readonly number[];
}

type Flaw = {readonly rule: RuleName; readonly detail: string};

export const mpii: DatasetType = {
  async read(file, context) {
    const content = new MpiiContent(context);
    const {rootIsList} = await readRecords(file, (key, index, value) => {
      if (key === '' && index !== null) content.add(value, index);
    });
    if (rootIsList) return content.finished();
    throw new UserError(
      'data',
      `${file}: expected a list of people: it is not an annotation file of MPII as the HRNet repository has it.`,
    );
  },
};

class MpiiContent {
  readonly #images = new Map<string, ImageRecord>();
  readonly #people: PersonRecord[] = [];
  readonly #findings = new Findings();
  #count = 0;

  constructor(private readonly context: ReadContext) {}

  add(value: unknown, index: number): void {
    this.#count++;
    const name = recordName('people', index, value);
    const flaw = this.#flaw(value);
    // The image is one of the split also where nobody on it can be used.
    if (isObject(value) && typeof value.image === 'string' && value.image !== '') this.#image(value.image);
    if (flaw !== null) this.#findings.add(flaw.rule, name, flaw.detail);
    else this.#people.push(this.#person(value as Fields & MpiiRecord, index, name));
  }

  finished(): AnnotationContent {
    const images = [...this.#images.values()];
    const counts = {images: images.length, annotations: this.#count};
    return {
      category: {id: 1, name: 'person'},
      images,
      people: this.#people,
      counts,
      findings: this.#findings,
    };
  }

  #flaw(record: unknown): Flaw | null {
    if (record === undefined) return {rule: 'notFinite', detail: ''};
    if (!isObject(record)) return {rule: 'annotationMalformed', detail: `it is ${shown(record)}`};
    const malformed = (key: string): Flaw => ({rule: 'annotationMalformed', detail: flawOf(record, key)});
    const {image, center, scale} = record;
    if (typeof image !== 'string' || image === '') return malformed('image');
    if (!isNumberList(center) || center.length !== 2) return malformed('center');
    if (!isNumber(scale)) return malformed('scale');
    if (scale <= 0 || (center[0] < 0 && center[1] < 0)) {
      return {rule: 'scaleMissing', detail: `${flawOf(record, 'center')}, ${flawOf(record, 'scale')}`};
    }
    return jointFlaw(record, this.context.keypointSet.names.length);
  }

  #image(name: string): ImageRecord {
    const known = this.#images.get(name);
    if (known) return known;
    const image = {id: this.#images.size + 1, name, size: null};
    this.#images.set(name, image);
    return image;
  }

  #person(record: Fields & MpiiRecord, index: number, name: string): PersonRecord {
    const {center, scale, joints, joints_vis: visible} = record;
    const keypoints = joints.flatMap(([x, y], k) => (visible[k] > 0 ? [x - 1, y - 1, 2] : [0, 0, 0]));
    const outside = joints.filter(([x, y], k) => visible[k] > 0 && (x < 1 || y < 1)).length;
    if (outside > 0)
      this.#findings.add('keypointOutside', name, `${outside} of ${visible.filter(Boolean).length}`);
    const isLabelled = visible.some((value) => value > 0);
    if (!isLabelled) this.#findings.add('unlabelled', name);
    const headBox = headBoxOf(record);
    if (headBox === null) this.#findings.add('headBoxMissing', name);
    const side = PIXELS * scale;
    const [x, y] = [center[0] - 1, center[1] + CENTRE_SHIFT * scale - 1];
    const box: Box = [x - side / 2, y - side / 2, side, side];
    return {
      // The file's rows from 1 on: an evaluation takes the id 0 for nobody.
      id: index + 1,
      imageId: this.#image(record.image).id,
      crop: isLabelled ? box : null,
      box,
      area: side * side,
      isCrowd: false,
      stated: null,
      keypoints,
      headBox,
    };
  }
}

function jointFlaw(record: Fields, count: number): Flaw | null {
  const {joints, joints_vis: visible} = record;
  if (!Array.isArray(joints) || !Array.isArray(visible)) {
    return {
      rule: 'keypointsMissing',
      detail: flawOf(record, Array.isArray(joints) ? 'joints_vis' : 'joints'),
    };
  }
  if (joints.length !== count || visible.length !== count) {
    const found = `${joints.length} joints and ${visible.length} visibilities`;
    return {rule: 'keypointCount', detail: `it has ${found}; expected ${count} of both`};
  }
  const joint = joints.findIndex((point) => !isNumberList(point) || point.length !== 2);
  if (joint >= 0) return {rule: 'annotationMalformed', detail: `joint ${joint} is ${shown(joints[joint])}`};
  const wrong = visible.findIndex((value) => value !== 0 && value !== 1);
  return wrong < 0
    ? null
    : {rule: 'visibility', detail: `visibility of joint ${wrong} is ${shown(visible[wrong])}`};
}

/** `headbox` or `head_box`: [left, top, right, bottom] or the two corners, counted from 1. */
function headBoxOf(record: Fields): Box | null {
  const value = record.headbox ?? record.head_box;
  const corners = Array.isArray(value) ? value.flat() : null;
  if (!isBox(corners)) return null;
  const [left, top, right, bottom] = corners;
  return right > left && bottom > top ? [left - 1, top - 1, right - left, bottom - top] : null;
}
