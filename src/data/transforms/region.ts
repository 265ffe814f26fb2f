/** @file From a person's box to the region of the image that the network sees. */
import type {Box, CropRegion} from '../types.js';

/**
 * HRNet's `_box2cs`, in pixels: the box grown to the input's aspect ratio about its centre, then padded.
 * @param aspectRatio width / height of the network's input
 * @param padding factor on both sides, 1.25 in HRNet
 */
export function boxToRegion([x, y, width, height]: Box, aspectRatio: number, padding: number): CropRegion {
  return {
    center: [x + width * 0.5, y + height * 0.5],
    size: paddedSize(width, height, aspectRatio, padding),
    rotation: 0,
  };
}

/** Width and height grown to the aspect ratio, then by `padding`. */
export function paddedSize(
  width: number,
  height: number,
  aspectRatio: number,
  padding: number,
): readonly [number, number] {
  const fullWidth = Math.max(width, height * aspectRatio);
  const fullHeight = Math.max(height, width / aspectRatio);
  return [fullWidth * padding, fullHeight * padding];
}
