/** @file A person's keypoints as the network sees them. */
import {type Affine, applyAffine} from './affine.js';
import {swapPairs} from './flip.js';

/**
 * Labelled keypoints mapped to the network's input; those that are not labelled stay zero.
 * @param keypoints [keypoints × 3]: x, y in the image, visibility
 * @param flipPairs given if `toInput` mirrors: these change places
 * @returns [keypoints × 3]: x, y in input pixels, and as weight 1 for those that are labelled, hidden or not (HRNet's rule)
 */
export function keypointsInInput(
  keypoints: readonly number[],
  toInput: Affine,
  flipPairs: readonly (readonly [number, number])[] | null,
): Float64Array {
  const points = new Float64Array(keypoints.length);
  for (let i = 0; i < keypoints.length; i += 3) {
    if (keypoints[i + 2] > 0) points.set([...applyAffine(toInput, keypoints[i], keypoints[i + 1]), 1], i);
  }
  if (flipPairs) swapPairs(points, flipPairs, 3);
  return points;
}
