/**
 * @file Gaussian heatmaps: keypoints to targets and predictions to keypoints, as HRNet does it (Sun et al. 2019;
 * `generate_target`, `get_final_preds` and `flip_back` of its code) or without the bias of whole cells (DARK).
 * Heatmaps are [height, width, keypoints].
 */
import {drawUnbiasedGaussian, taylorOffset} from './dark.js';

/** How heatmaps relate to the network's input. */
export interface HeatmapGeometry {
  /** [height, width] in cells. */
  readonly size: readonly [number, number];
  /** Input pixels a cell. */
  readonly stride: number;
  /** Of the Gaussian, in cells. */
  readonly sigma: number;
  /** Keypoints lie where they lie, and not in the middle of a cell. */
  readonly unbiased: boolean;
}

/** [batch, height, width, keypoints] */
export type HeatmapShape = readonly [number, number, number, number];

/**
 * Draws the targets of one sample and sets its weights. Each Gaussian is centred on the nearest cell and cut off at
 * three sigma; an unbiased one is centred on the keypoint and covers the heatmap. The weight is 0 for keypoints that are not labelled and for those whose whole patch lies outside.
 * @param points [keypoints × 3]: x, y in input pixels, and whether labelled (> 0)
 * @param targets [height, width, keypoints] begins at `targetOffset` and holds zeros
 * @param weights [keypoints] begins at `weightOffset`
 */
export function encodeHeatmaps(
  points: Float64Array,
  geometry: HeatmapGeometry,
  targets: Float32Array,
  weights: Float32Array,
  targetOffset = 0,
  weightOffset = 0,
): void {
  const keypoints = points.length / 3;
  for (let k = 0; k < keypoints; k++) {
    // Truncated, not rounded down, like HRNet's int(): it differs left of the first cell and above it.
    const x = Math.trunc(points[3 * k] / geometry.stride + 0.5);
    const y = Math.trunc(points[3 * k + 1] / geometry.stride + 0.5);
    const drawn = points[3 * k + 2] > 0 && touches(x, y, geometry);
    weights[weightOffset + k] = drawn ? 1 : 0;
    if (!drawn) continue;
    const {stride, unbiased} = geometry;
    const offset = targetOffset + k;
    if (unbiased) {
      const [exactX, exactY] = [points[3 * k] / stride, points[3 * k + 1] / stride];
      drawUnbiasedGaussian(exactX, exactY, geometry, targets, offset, keypoints);
    } else {
      drawGaussian(x, y, geometry, targets, offset, keypoints);
    }
  }
}

/** Whether HRNet counts the keypoint as inside: its patch reaches the heatmap, or ends right at its first cell. */
function touches(x: number, y: number, {size: [height, width], sigma}: HeatmapGeometry): boolean {
  const [left, top] = [Math.trunc(x - 3 * sigma), Math.trunc(y - 3 * sigma)];
  const [right, bottom] = [Math.trunc(x + 3 * sigma + 1), Math.trunc(y + 3 * sigma + 1)];
  return left < width && top < height && right >= 0 && bottom >= 0;
}

/** Writes exp(−distance² / 2σ²) around (x, y) into one channel that begins at `offset`. */
function drawGaussian(
  x: number,
  y: number,
  {size: [height, width], sigma}: HeatmapGeometry,
  targets: Float32Array,
  offset: number,
  channels: number,
): void {
  const left = Math.max(0, Math.trunc(x - 3 * sigma));
  const top = Math.max(0, Math.trunc(y - 3 * sigma));
  const right = Math.min(width, Math.trunc(x + 3 * sigma + 1));
  const bottom = Math.min(height, Math.trunc(y + 3 * sigma + 1));
  const factor = -1 / (2 * sigma * sigma);
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const squared = (column - x) ** 2 + (row - y) ** 2;
      targets[offset + (row * width + column) * channels] = Math.exp(factor * squared);
    }
  }
}

/** Keypoints in heatmap cells, [batch × keypoints × 2], and their heights, [batch × keypoints]. */
export interface DecodedHeatmaps {
  readonly coordinates: Float32Array;
  readonly scores: Float32Array;
}

/**
 * The cell of the (first) maximum of each heatmap, moved a quarter of a cell towards the higher neighbour on each axis
 * unless it lies within two cells of the left or upper border or on the right or lower one, where HRNet does not.
 * A heatmap without positive values gives (0, 0).
 * @param heatmaps [batch, height, width, keypoints]
 * @param unbiasedSigma of unbiased targets: the maximum is moved to the mode of the Gaussian around it instead
 */
export function decodeHeatmaps(
  heatmaps: Float32Array,
  [batch, height, width, channels]: HeatmapShape,
  unbiasedSigma: number | null = null,
): DecodedHeatmaps {
  const coordinates = new Float32Array(batch * channels * 2);
  const scores = new Float32Array(batch * channels);
  const cells = height * width;
  const bestCell = new Int32Array(channels);
  for (let sample = 0; sample < batch; sample++) {
    const offset = sample * cells * channels;
    const best = scores.subarray(sample * channels, (sample + 1) * channels);
    findMaxima(heatmaps, offset, cells, best, bestCell);
    for (let k = 0; k < channels; k++) {
      if (!(best[k] > 0)) continue;
      const x = bestCell[k] % width;
      const y = (bestCell[k] - x) / width;
      const channel = Float64Array.from({length: cells}, (_, cell) => heatmaps[offset + cell * channels + k]);
      const [dx, dy] =
        unbiasedSigma === null
          ? quarterOffset(channel, [height, width], x, y)
          : taylorOffset(channel, [height, width], x, y, unbiasedSigma);
      coordinates.set([x + dx, y + dy], 2 * (sample * channels + k));
    }
  }
  return {coordinates, scores};
}

function quarterOffset(
  heatmap: Float64Array,
  [height, width]: readonly [number, number],
  x: number,
  y: number,
): [number, number] {
  if (x <= 1 || x >= width - 1 || y <= 1 || y >= height - 1) return [0, 0];
  const at = y * width + x;
  const slope = (step: number) => Math.sign(heatmap[at + step] - heatmap[at - step]);
  return [0.25 * slope(1), 0.25 * slope(width)];
}

/** The greatest value of each channel and its first cell, in one pass in the order of memory. */
function findMaxima(
  heatmaps: Float32Array,
  offset: number,
  cells: number,
  best: Float32Array,
  bestCell: Int32Array,
): void {
  const channels = best.length;
  best.fill(Number.NEGATIVE_INFINITY);
  bestCell.fill(0);
  let at = offset;
  for (let cell = 0; cell < cells; cell++) {
    for (let k = 0; k < channels; k++, at++) {
      if (heatmaps[at] > best[k]) {
        best[k] = heatmaps[at];
        bestCell[k] = cell;
      }
    }
  }
}

/**
 * Turns the heatmaps of a mirrored image into those of the image itself: mirrors them back and swaps left and right.
 * @param heatmaps [batch, height, width, keypoints] of the mirrored images
 * @param shift moves the result one cell to the right, keeping the first column (HRNet's SHIFT_HEATMAP): mirroring
 *   pixels and mirroring cells of several pixels differ by nearly a cell
 */
export function flipHeatmaps(
  heatmaps: Float32Array,
  [batch, height, width, channels]: HeatmapShape,
  flipPairs: readonly (readonly [number, number])[],
  shift: boolean,
): Float32Array {
  const source = Int32Array.from({length: channels}, (_, k) => k);
  for (const [left, right] of flipPairs) [source[left], source[right]] = [right, left];
  const result = new Float32Array(heatmaps.length);
  let at = 0;
  for (let row = 0; row < batch * height; row++) {
    for (let column = 0; column < width; column++) {
      const unshifted = shift ? Math.max(0, column - 1) : column;
      const from = (row * width + width - 1 - unshifted) * channels;
      for (let k = 0; k < channels; k++) result[at++] = heatmaps[from + source[k]];
    }
  }
  return result;
}
