/** @file What an annotation file says, whatever its format: images, people, and what is wrong with the rest. */
import type {KeypointSet} from '../keypoints.js';
import type {Box} from '../types.js';
import type {Findings} from './rules.js';

export interface ImageRecord {
  readonly id: number;
  /** Below the folder of images. */
  readonly name: string;
  /** Width and height, where the file states them. */
  readonly size: readonly [number, number] | null;
}

/** A person whom an evaluation counts; those with a crop box can be trained on. */
export interface PersonRecord {
  readonly id: number;
  readonly imageId: number;
  /** What the network shall see, before padding; null for a crowd or anybody else who is not trained on. */
  readonly crop: Box | null;
  /** The box as the file has it. */
  readonly box: Box;
  readonly area: number;
  readonly isCrowd: boolean;
  /** How many keypoints are labelled, as the file says; null where it does not. */
  readonly stated: number | null;
  /** [keypoints × 3]: x, y and visibility, as the file has them. */
  readonly keypoints: readonly number[];
  /** x, y, width and height of the head, for PCKh. */
  readonly headBox: Box | null;
}

export interface Category {
  readonly id: number;
  readonly name: string;
}

export interface AnnotationContent {
  readonly category: Category;
  readonly images: readonly ImageRecord[];
  /** In the file's order. */
  readonly people: readonly PersonRecord[];
  /** Records of the file, the bad ones included; people only. */
  readonly counts: {readonly images: number; readonly annotations: number};
  readonly findings: Findings;
}

/** What a file is read for. */
export interface ReadContext {
  readonly keypointSet: KeypointSet;
  /** The category of people by its name; null: `person`, or the only one. */
  readonly category: string | null;
}

/** A format of annotation files. */
export interface DatasetType {
  /** Reads a file whole. @throws UserError 'data' if it is of no use at all; single bad records are findings */
  read(file: string, context: ReadContext): Promise<AnnotationContent>;
}
