/** @file A part of a picture, enlarged or reduced, so that what is drawn on it stays sharp. */
import sharp from 'sharp';
import type {RgbImage} from '../data/transforms/warp.js';
import type {Box} from '../data/types.js';

export interface CloseUp {
  readonly image: RgbImage;
  /** Where keypoints [keypoints × 3] of the whole picture lie in the part; the third numbers stay. */
  readonly place: (keypoints: ArrayLike<number>) => number[];
}

/**
 * The part of a picture about a box, as far as there is one.
 * @param margin of the box's longer side, added on every side
 * @param longest side of the result, in pixels
 */
export async function closeUp(
  picture: RgbImage,
  box: Box,
  margin: number,
  longest: number,
): Promise<CloseUp> {
  const room = margin * Math.max(box[2], box[3]);
  const [left, right] = span(box[0] - room, box[0] + box[2] + room, picture.width);
  const [top, bottom] = span(box[1] - room, box[1] + box[3] + room, picture.height);
  const [width, height] = [right - left, bottom - top];
  const {data, info} = await sharp(picture.data, {
    raw: {width: picture.width, height: picture.height, channels: 3},
  })
    .extract({left, top, width, height})
    .resize(longest, longest, {fit: 'inside'})
    .raw()
    .toBuffer({resolveWithObject: true});
  const zoom = [info.width / width, info.height / height];
  return {
    image: {data, width: info.width, height: info.height},
    place: (keypoints) =>
      Array.from(keypoints, (value, i) => {
        if (i % 3 === 2) return value;
        return i % 3 === 0 ? (value - left) * zoom[0] : (value - top) * zoom[1];
      }),
  };
}

/** Whole pixels from `from` to `to`, within `size`; one at least. */
function span(from: number, to: number, size: number): [number, number] {
  const start = Math.min(Math.max(0, Math.floor(from)), size - 1);
  return [start, Math.max(start + 1, Math.min(size, Math.ceil(to)))];
}
