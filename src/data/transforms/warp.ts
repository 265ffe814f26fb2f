/** @file Cuts the network's input out of an image: an affine warp with bilinear sampling, in fixed point. */
import type {Affine} from './affine.js';

/** Interleaved RGB, row by row: [height, width, 3]. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Points nearer to the border of the image than this (in pixels) take the careful path: fixed point may round over it. */
const MARGIN = 1 / 64;

/** Of positions in fixed point; positions from here on do not fit. */
const UNIT = 2 ** 16;
const LARGEST_POSITION = 2 ** 15;

/**
 * The image seen through `toImage`: bilinear between pixels, black outside the image (OpenCV's `warpAffine` with
 * INTER_LINEAR and a constant border of 0, but with positions to 1/256 instead of 1/32 of a pixel).
 * @param toImage from cells of the output to image pixels
 * @param size [height, width] of the output
 * @param output [height, width, 3], rounded to whole levels
 */
export function warp(
  image: RgbImage,
  toImage: Affine,
  [height, width]: readonly [number, number],
  output: Uint8Array,
): void {
  const [a, b, c, d, e, f] = toImage;
  for (let row = 0; row < height; row++) {
    const x = b * row + c;
    const y = e * row + f;
    const [fromX, toX] = columnsWithin(x, a, Math.min(image.width - 1, LARGEST_POSITION), width);
    const [fromY, toY] = columnsWithin(y, d, Math.min(image.height - 1, LARGEST_POSITION), width);
    const from = Math.max(fromX, fromY);
    const to = Math.max(from, Math.min(toX, toY));
    const at = 3 * row * width;
    sampleAtEdge(image, x, y, [a, d], 0, from, output, at);
    sampleInside(image, x, y, [a, d], from, to, output, at);
    sampleAtEdge(image, x, y, [a, d], to, width, output, at);
  }
}

/** The range of columns [from, to) of 0 … count − 1 where start + step · column lies well within (0, last). */
function columnsWithin(start: number, step: number, last: number, count: number): [number, number] {
  const low = MARGIN - start;
  const high = last - MARGIN - start;
  if (high < low) return [0, 0];
  if (step === 0) return low <= 0 && high >= 0 ? [0, count] : [0, 0];
  const [first, end] = step > 0 ? [low / step, high / step] : [high / step, low / step];
  const from = Math.min(count, Math.max(0, Math.ceil(first)));
  return [from, Math.max(from, Math.min(count, Math.floor(end) + 1))];
}

/** Columns whose four neighbours all lie inside the image. Integers with 16 binary places: numbers take longer. */
function sampleInside(
  {data, width}: RgbImage,
  x: number,
  y: number,
  [stepX, stepY]: readonly [number, number],
  from: number,
  to: number,
  output: Uint8Array,
  rowStart: number,
): void {
  const stride = 3 * width;
  const dx = fixed(stepX);
  const dy = fixed(stepY);
  // The positions are rounded to 1/256, not cut off.
  let fixedX = fixed(x + stepX * from + 1 / 512);
  let fixedY = fixed(y + stepY * from + 1 / 512);
  let at = rowStart + 3 * from;
  for (let column = from; column < to; column++) {
    const i = Math.imul(fixedY >> 16, stride) + (fixedX >> 16) * 3;
    const fx = (fixedX >> 8) & 255;
    const fy = (fixedY >> 8) & 255;
    const w11 = fx * fy;
    const w10 = (fy << 8) - w11;
    const w01 = (fx << 8) - w11;
    const w00 = 65536 - w01 - w10 - w11;
    const j = i + stride;
    output[at] = (w00 * data[i] + w01 * data[i + 3] + w10 * data[j] + w11 * data[j + 3] + 32768) >> 16;
    output[at + 1] =
      (w00 * data[i + 1] + w01 * data[i + 4] + w10 * data[j + 1] + w11 * data[j + 4] + 32768) >> 16;
    output[at + 2] =
      (w00 * data[i + 2] + w01 * data[i + 5] + w10 * data[j + 2] + w11 * data[j + 5] + 32768) >> 16;
    at += 3;
    fixedX = (fixedX + dx) | 0;
    fixedY = (fixedY + dy) | 0;
  }
}

function fixed(position: number): number {
  return Math.round(position * UNIT) | 0;
}

/** Columns with at least one neighbour outside the image, or nearly so; such neighbours are black. */
function sampleAtEdge(
  {data, width, height}: RgbImage,
  startX: number,
  startY: number,
  [stepX, stepY]: readonly [number, number],
  from: number,
  to: number,
  output: Uint8Array,
  rowStart: number,
): void {
  output.fill(0, rowStart + 3 * from, rowStart + 3 * to);
  for (let column = from; column < to; column++) {
    const x = startX + stepX * column;
    const y = startY + stepY * column;
    if (!(x > -1 && y > -1 && x < width && y < height)) continue;
    const sum = [0, 0, 0];
    for (let row = Math.floor(y); row <= Math.floor(y) + 1; row++) {
      for (let at = Math.floor(x); at <= Math.floor(x) + 1; at++) {
        if (row < 0 || at < 0 || row >= height || at >= width) continue;
        const weight = (1 - Math.abs(x - at)) * (1 - Math.abs(y - row));
        for (let channel = 0; channel < 3; channel++) {
          sum[channel] += weight * data[3 * (row * width + at) + channel];
        }
      }
    }
    for (let channel = 0; channel < 3; channel++) {
      output[rowStart + 3 * column + channel] = Math.floor(sum[channel] + 0.5);
    }
  }
}
