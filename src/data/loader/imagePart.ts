/** @file Which part of an image a sample shows, and how small it may be decoded. */
import {type Affine, applyAffine} from '../transforms/affine.js';

/** A rectangle of an image that was shrunk by `scale` on each axis. */
export interface ImagePart {
  /** Width and height of the whole image as stored. */
  readonly image: readonly [number, number];
  /** Width and height of the whole image after shrinking. */
  readonly shrunk: readonly [number, number];
  /** Of the rectangle, in the shrunk image. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Factors by which libvips is asked to shrink: it has libjpeg decode at 1/8, 1/4 or 1/2 if that leaves it something to
 * do, and averages the rest.
 */
const SHRINK_FACTORS = [9, 5, 3] as const;

/**
 * The pixels that bilinear sampling touches, with one to spare.
 * @param toImage from cells of the input to pixels of the whole image
 * @param input [height, width]
 * @param imageSize width and height
 * @param mayShrink where one input pixel covers three image pixels or more on each axis
 */
export function neededPart(
  toImage: Affine,
  [rows, columns]: readonly [number, number],
  imageSize: readonly [number, number],
  mayShrink: boolean,
): ImagePart {
  const factor = mayShrink ? shrinkFactor(toImage) : 1;
  const shrunk = imageSize.map((length) => Math.max(1, Math.round(length / factor))) as [number, number];
  const toShrunk = shrinkAffine(toImage, imageSize, shrunk);
  const corners = [
    [0, 0],
    [columns - 1, 0],
    [0, rows - 1],
    [columns - 1, rows - 1],
  ].map(([column, row]) => applyAffine(toShrunk, column, row));
  const [left, right] = range(
    corners.map(([x]) => x),
    shrunk[0],
  );
  const [top, bottom] = range(
    corners.map(([, y]) => y),
    shrunk[1],
  );
  return {image: imageSize, shrunk, left, top, width: right - left, height: bottom - top};
}

/** From cells of the input to pixels of the part, given the way to pixels of the whole image. */
export function toPart(toImage: Affine, {image, shrunk, left, top}: ImagePart): Affine {
  const [a, b, c, d, e, f] = shrinkAffine(toImage, image, shrunk);
  return [a, b, c - left, d, e, f - top];
}

function shrinkFactor([a, b, , d, e]: Affine): number {
  const coverage = Math.min(Math.hypot(a, d), Math.hypot(b, e));
  return SHRINK_FACTORS.find((factor) => factor <= coverage) ?? 1;
}

/** Shrinking maps edges to edges: the centre of the first pixel, at 0, lies half a pixel inside. */
function shrinkAffine(
  [a, b, c, d, e, f]: Affine,
  [width, height]: readonly [number, number],
  shrunk: readonly [number, number],
): Affine {
  const sx = shrunk[0] / width;
  const sy = shrunk[1] / height;
  return [a * sx, b * sx, (c + 0.5) * sx - 0.5, d * sy, e * sy, (f + 0.5) * sy - 0.5];
}

/** First pixel and the one after the last, within the image; one pixel if nothing of it is seen. */
function range(positions: readonly number[], length: number): [number, number] {
  const first = Math.min(length - 1, Math.max(0, Math.floor(Math.min(...positions)) - 1));
  const end = Math.min(length, Math.ceil(Math.max(...positions)) + 2);
  return [first, Math.max(first + 1, end)];
}
