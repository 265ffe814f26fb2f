/** @file Cuts the network's input out of an image: an affine warp with bilinear sampling, in fixed point. */
import type {Affine} from './affine.js';
import {warpKernel} from './warpKernel.js';

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
  const {data} = image;
  const memory = warpKernel.reserve(data.length + output.length);
  new Uint8Array(memory, 0, data.length).set(data);
  const rows = Array.from({length: height}, (_, row): Row => {
    const x = b * row + c;
    const y = e * row + f;
    const [fromX, toX] = columnsWithin(x, a, Math.min(image.width - 1, LARGEST_POSITION), width);
    const [fromY, toY] = columnsWithin(y, d, Math.min(image.height - 1, LARGEST_POSITION), width);
    const from = Math.max(fromX, fromY);
    const to = Math.max(from, Math.min(toX, toY));
    return {x, y, stepX: a, stepY: d, from, to, start: 3 * row * width};
  });
  for (const row of rows) sampleInside(row, 3 * image.width, data.length);
  output.set(new Uint8Array(memory, data.length, output.length));
  for (const row of rows) {
    sampleAtEdge(image, row, 0, row.from, output);
    sampleAtEdge(image, row, row.to, width, output);
  }
}

/** A line of the output: where its first column lies in the image, and the columns from which on all is inside. */
interface Row {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly from: number;
  readonly to: number;
  /** Its first byte. */
  readonly start: number;
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

/** Columns whose four neighbours all lie inside the image; `output` is where the output begins in the kernel's memory. */
function sampleInside({x, y, stepX, stepY, from, to, start}: Row, stride: number, output: number): void {
  if (from === to) return;
  warpKernel.run.sampleRow(
    0,
    stride,
    // The positions are rounded to 1/256, not cut off.
    fixed(x + stepX * from + 1 / 512),
    fixed(y + stepY * from + 1 / 512),
    fixed(stepX),
    fixed(stepY),
    output + start + 3 * from,
    output + start + 3 * to,
  );
}

function fixed(position: number): number {
  return Math.round(position * UNIT);
}

/** Columns with at least one neighbour outside the image, or nearly so; such neighbours are black. */
function sampleAtEdge(
  {data, width, height}: RgbImage,
  {x: startX, y: startY, stepX, stepY, start}: Row,
  from: number,
  to: number,
  output: Uint8Array,
): void {
  output.fill(0, start + 3 * from, start + 3 * to);
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
      output[start + 3 * column + channel] = Math.floor(sum[channel] + 0.5);
    }
  }
}
