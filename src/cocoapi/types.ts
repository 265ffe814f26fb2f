/** @file COCO's file formats, as far as keypoints and boxes go (cocodataset.org/#format-data). */

export interface CocoImage {
  readonly id: number;
  readonly file_name?: string;
  readonly width?: number;
  readonly height?: number;
}

export interface CocoCategory {
  readonly id: number;
  readonly name: string;
  readonly supercategory?: string;
  readonly keypoints?: readonly string[];
  readonly skeleton?: readonly (readonly [number, number])[];
}

export interface CocoAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  /** x, y, width, height. */
  readonly bbox: readonly number[];
  readonly area: number;
  /** Absent means 0. */
  readonly iscrowd?: 0 | 1;
  /** [keypoints × 3]: x, y, visibility (of a result: x, y, score). */
  readonly keypoints?: readonly number[];
  /** How many keypoints are labelled. */
  readonly num_keypoints?: number;
  /** Of a result only. */
  readonly score?: number;
}

export interface CocoDataset {
  readonly images: readonly CocoImage[];
  readonly annotations: readonly CocoAnnotation[];
  readonly categories: readonly CocoCategory[];
}

/** One record of a results file: a person's keypoints, or a box. */
export interface CocoResult {
  readonly image_id: number;
  readonly category_id: number;
  readonly score: number;
  readonly keypoints?: readonly number[];
  readonly bbox?: readonly number[];
}
