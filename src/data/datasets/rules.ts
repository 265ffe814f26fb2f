/** @file Every fault that a dataset can have: what becomes of the record, and whether it counts as bad. */

/** What a fault does: the record is left out, is mended in memory (never in the file), or is kept as it is. */
export type Action = 'reject' | 'repair' | 'note';
/** Which records a fault is counted against. */
export type Subject = 'images' | 'annotations' | 'detections';

export interface Rule {
  readonly of: Subject;
  readonly action: Action;
  /** The record is wrong, as opposed to one of no use for training (a crowd): bad ones are limited by `maxBadFraction`. */
  readonly isBad: boolean;
  readonly text: string;
}

const bad = (of: Subject, text: string): Rule => ({of, action: 'reject', isBad: true, text});
const unused = (of: Subject, text: string): Rule => ({of, action: 'reject', isBad: false, text});
const repair = (text: string): Rule => ({of: 'annotations', action: 'repair', isBad: false, text});
const note = (text: string): Rule => ({of: 'annotations', action: 'note', isBad: false, text});

/** docs/data.md says of each why. */
export const RULES = {
  imageMalformed: bad('images', 'image record is malformed'),
  imageIdTwice: bad('images', 'image id is used twice'),
  imageMissing: bad('images', 'image missing on disk'),
  imageSkipped: unused('images', 'image missing on disk, skipped'),
  imageUndecodable: bad('images', 'image cannot be decoded'),
  imageSize: bad('images', 'image has another size than stated'),
  annotationMalformed: bad('annotations', 'annotation record is malformed'),
  notFinite: bad('annotations', 'NaN or infinite number'),
  annotationIdTwice: bad('annotations', 'annotation id is used twice'),
  unknownImage: bad('annotations', 'annotation of an unknown image'),
  unknownCategory: bad('annotations', 'annotation of an unknown category'),
  keypointsMissing: bad('annotations', 'no list of keypoints'),
  keypointCount: bad('annotations', 'wrong number of keypoints'),
  visibility: bad('annotations', 'visibility is not 0, 1 or 2'),
  boxEmpty: bad('annotations', 'box is empty or a single point'),
  boxOutside: bad('annotations', 'box outside the image'),
  areaNotPositive: bad('annotations', 'area is not positive'),
  scaleMissing: bad('annotations', 'centre or scale is not positive'),
  crowd: unused('annotations', 'crowd'),
  unlabelled: unused('annotations', 'no labelled keypoints'),
  areaMissing: repair('no area: the box’s is taken'),
  boxBeyondImage: repair('box reaches beyond the image: clipped'),
  labelledAtOrigin: repair('keypoint labelled at (0, 0): taken as not labelled'),
  keypointOutside: note('labelled keypoint outside the image'),
  keypointTally: note('num_keypoints is not the number of labelled keypoints'),
  keypointNames: note('category names other keypoints than the keypoint set'),
  headBoxMissing: note('no head box: not scored by PCKh'),
  jointsDiffer: repair('joints differ from those in the file of head boxes: its are taken'),
  detectionMalformed: bad('detections', 'detection record is malformed'),
  detectionUnknownImage: unused('detections', 'detection on an image that is not in the annotation file'),
  detectionLowScore: unused('detections', 'detection below dataset.detectionScoreThreshold'),
  detectionEmpty: unused('detections', 'detection with an empty box'),
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;

/** One record that a rule caught. */
export interface Finding {
  /** As a person finds it: `annotations[3] (id 17)`, `000000000139.jpg`. */
  readonly record: string;
  /** What was found in place of what; may be empty. */
  readonly detail: string;
}

/** What was found in one dataset, by rule. */
export class Findings {
  readonly #byRule = new Map<RuleName, Finding[]>();

  add(rule: RuleName, record: string, detail = ''): void {
    const list = this.#byRule.get(rule);
    if (list) list.push({record, detail});
    else this.#byRule.set(rule, [{record, detail}]);
  }

  /** @param prefix before the name of each record */
  addAll(other: Findings, prefix = ''): void {
    for (const [rule, found] of other.entries()) {
      for (const {record, detail} of found) this.add(rule, `${prefix}${record}`, detail);
    }
  }

  of(rule: RuleName): readonly Finding[] {
    return this.#byRule.get(rule) ?? [];
  }

  /** The rules that caught something, in the order of the table. */
  entries(): [RuleName, readonly Finding[]][] {
    const names = Object.keys(RULES) as RuleName[];
    return names.filter((rule) => this.#byRule.has(rule)).map((rule) => [rule, this.of(rule)]);
  }

  /** How many records of one kind are bad. */
  badCount(subject: Subject): number {
    const bad = this.entries().filter(([rule]) => RULES[rule].isBad && RULES[rule].of === subject);
    return bad.reduce((sum, [, found]) => sum + found.length, 0);
  }
}

/** `wrong number of keypoints: 2 (first: annotations[1] (id 12), 42 numbers)` */
export function ruleLine(rule: RuleName, found: readonly Finding[]): string {
  const [{record, detail}] = found;
  return `${RULES[rule].text}: ${found.length} (first: ${record}${detail && `, ${detail}`})`;
}
