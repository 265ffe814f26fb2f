/** @file Which part of an image a sample shows. */
import {type Affine, applyAffine} from '../transforms/affine.js';

/** A rectangle of whole pixels. */
export interface ImagePart {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The pixels that bilinear sampling touches, with one to spare.
 * @param toImage from pixels of the sample to pixels of the image
 * @param raster [height, width] of the sample
 * @param imageSize width and height
 */
export function neededPart(
  toImage: Affine,
  [rows, columns]: readonly [number, number],
  [width, height]: readonly [number, number],
): ImagePart {
  const corners = [
    [0, 0],
    [columns - 1, 0],
    [0, rows - 1],
    [columns - 1, rows - 1],
  ].map(([column, row]) => applyAffine(toImage, column, row));
  const [left, right] = range(
    corners.map(([x]) => x),
    width,
  );
  const [top, bottom] = range(
    corners.map(([, y]) => y),
    height,
  );
  return {left, top, width: right - left, height: bottom - top};
}

/** From pixels of the sample to pixels of the part, given the way to pixels of the image. */
export function toPart([a, b, c, d, e, f]: Affine, {left, top}: ImagePart): Affine {
  return [a, b, c - left, d, e, f - top];
}

/** First pixel and the one after the last, within the image; one pixel if nothing of it is seen. */
function range(positions: readonly number[], length: number): [number, number] {
  const first = Math.min(length - 1, Math.max(0, Math.floor(Math.min(...positions)) - 1));
  const end = Math.min(length, Math.ceil(Math.max(...positions)) + 2);
  return [first, Math.max(first + 1, end)];
}
