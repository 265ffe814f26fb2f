/** @file What a dataset for top-down training is: people to be found one at a time, and what was left out of it. */
import type {KeypointSet} from '../keypoints.js';
import type {Box, Person} from '../types.js';
import type {Category} from './content.js';
import {type Findings, RULES} from './rules.js';

/** How many records were left out for one reason, and the first of them. */
export interface Rejection {
  readonly reason: string;
  readonly count: number;
  readonly first: string;
}

export interface DatasetSummary {
  readonly images: number;
  readonly people: number;
  readonly rejected: readonly Rejection[];
}

/** People who came from one annotation file: `people[start]` … `people[start + count - 1]`. */
export interface SourceRange {
  /** The annotation file. */
  readonly name: string;
  readonly start: number;
  readonly count: number;
  /** How often each of them is seen in an epoch, on average. */
  readonly weight: number;
}

/** An annotation as an evaluation needs it, in COCO's format. */
export interface TruthAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: Box;
  readonly area: number;
  readonly iscrowd: 0 | 1;
  /** [keypoints × 3], of the dataset's keypoint set. */
  readonly keypoints: readonly number[];
  readonly num_keypoints?: number;
  /** x, y, width, height of the head, for PCKh; null where the file has none. */
  readonly head_box: Box | null;
}

/** What predictions are scored against: also the crowds and people who are not trained on. */
export interface GroundTruth {
  readonly images: readonly {readonly id: number; readonly file_name: string}[];
  readonly categories: readonly Category[];
  /** In the file's order; of MPII the id is the row of the file, from 1 on. */
  readonly annotations: readonly TruthAnnotation[];
}

export interface TopDownDataset {
  readonly people: readonly Person[];
  /** Images of the split, also those without a usable person: an evaluation counts over all of them. */
  readonly imageIds: readonly number[];
  readonly imageCount: number;
  readonly annotationFile: string;
  readonly keypointSet: KeypointSet;
  readonly summary: DatasetSummary;
  /** `dataset.type`. */
  readonly type: string;
  /** The category of people: its id goes into results. */
  readonly category: Category;
  /** The annotation files that people come from; they cover `people` without gaps. */
  readonly ranges: readonly SourceRange[];
  /** Every record that a rule caught. */
  readonly findings: Findings;
  /** Of the split's own annotation file, without further sources. */
  groundTruth(): GroundTruth;
}

/** What was left out, by reason. */
export function rejections(findings: Findings): Rejection[] {
  return findings
    .entries()
    .filter(([rule]) => RULES[rule].action === 'reject')
    .map(([rule, found]) => ({reason: RULES[rule].text, count: found.length, first: found[0].record}));
}
