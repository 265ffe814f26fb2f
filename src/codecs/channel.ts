/** @file One keypoint's heatmap inside an array in which the keypoints alternate. */

/** The cell (x, y) is `values[offset + (y * width + x) * step]`. */
export interface Channel {
  readonly values: Float32Array;
  readonly offset: number;
  readonly step: number;
  readonly width: number;
  readonly height: number;
}

/** Steps from a cell, in cells. */
export type Offset = readonly [x: number, y: number];

export const NOWHERE: Offset = [0, 0];
