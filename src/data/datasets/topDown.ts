/** @file What a dataset for top-down training is: people to be found one at a time, and what was left out of it. */
import type {KeypointSet} from '../keypoints.js';
import type {Person} from '../types.js';

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

export interface TopDownDataset {
  readonly people: readonly Person[];
  /** Images of the split, also those without a usable person: an evaluation counts over all of them. */
  readonly imageIds: readonly number[];
  readonly imageCount: number;
  readonly annotationFile: string;
  readonly keypointSet: KeypointSet;
  readonly summary: DatasetSummary;
}

/** Counts what is left out, by reason. */
export class Rejections {
  readonly #byReason = new Map<string, {count: number; first: string}>();

  add(reason: string, record: string): void {
    const seen = this.#byReason.get(reason);
    if (seen) seen.count++;
    else this.#byReason.set(reason, {count: 1, first: record});
  }

  list(): Rejection[] {
    return [...this.#byReason].map(([reason, {count, first}]) => ({reason, count, first}));
  }
}
