/** @file What passes between datasets, transforms, the loader and the tasks. Pixels of the original image, (x, y). */

/** x, y of the upper left corner, width, height. */
export type Box = readonly [number, number, number, number];

/** One person to be found in one image: an annotation, or a detector's box. */
export interface Person {
  readonly imageId: number;
  readonly imageFile: string;
  /** Width and height that the annotation file states; a decoded image of another size is refused. */
  readonly imageSize?: readonly [number, number];
  /** null for a detector's box. */
  readonly annotationId: number | null;
  readonly box: Box;
  /** The detector's score; 1 for annotations. */
  readonly score: number;
  /** [keypoints × 3]: x, y and visibility (0 not labelled, 1 hidden, 2 visible). All zero for a detector's box. */
  readonly keypoints: readonly number[];
  /** Of the head, where the annotations have one (MPII): PCKh measures by its diagonal. */
  readonly headBox?: Box;
}

/** The region of the image that the network sees: its centre, its size in pixels, its rotation in degrees. */
export interface CropRegion {
  readonly center: readonly [number, number];
  readonly size: readonly [number, number];
  readonly rotation: number;
}

/** What is known of one sample of a batch besides its tensors. */
export interface SampleInfo {
  /** Index into the dataset's people. */
  readonly index: number;
  readonly region: CropRegion;
  readonly flipped: boolean;
}

/** A sample whose image could not be used, and the sample in its place. */
export interface ReplacedSample {
  /** Index into the dataset's people. */
  readonly index: number;
  /** Of the person in its place. */
  readonly replacement: number;
  /** What is wrong with the image, by the name of its file. */
  readonly reason: string;
}

/** Milliseconds that a batch took in its thread; parts overlap. */
export interface BatchWork {
  /** From the first file to the last target. */
  readonly total: number;
  readonly reading: number;
  readonly decoding: number;
  /** Warp, pixel transforms and targets. */
  readonly drawing: number;
}

/** A batch of top-down samples; the arrays are row-major. */
export interface Batch {
  /** [batch, height, width, 3], normalised RGB. */
  readonly images: Float32Array;
  /** [batch, ...shape] for each target shape of the codec, one after the other: see `targetArrays`. */
  readonly targets: Float32Array;
  /** [batch, weights of the codec]: 0 for what takes no part in the loss. */
  readonly targetWeights: Float32Array;
  /** [batch, OFF_TARGET_NUMBERS] of `drawOffTarget`; empty or missing where they were not asked for. */
  readonly offTargets?: Float32Array;
  readonly samples: readonly SampleInfo[];
}

/** A batch as the loader gives it. */
export interface LoadedBatch extends Batch {
  /** Samples that should have been in the batch. */
  readonly replaced: readonly ReplacedSample[];
  readonly work: BatchWork;
}
