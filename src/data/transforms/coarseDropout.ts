/** @file Coarse dropout: one black rectangle over the input (DeVries & Taylor 2017; Albumentations' CoarseDropout). */
import type {CoarseDropoutConfig} from '../../config/schema.js';
import type {RandomStream} from '../../random.js';
import type {Box} from '../types.js';
import type {RgbImage} from './warp.js';

/** A rectangle within `width` x `height`, each side a share from `minSize` to `maxSize` of the input's; null: none. */
export function drawHole(
  {probability, minSize, maxSize}: CoarseDropoutConfig,
  [height, width]: readonly [number, number],
  random: RandomStream,
): Box | null {
  if (!random.chance(probability)) return null;
  const side = (length: number) => Math.floor(length * random.uniform(minSize, maxSize));
  const [holeWidth, holeHeight] = [side(width), side(height)];
  const x = random.integer(width - holeWidth + 1);
  const y = random.integer(height - holeHeight + 1);
  return [x, y, holeWidth, holeHeight];
}

/** Blackens the rectangle in place. */
export function dropOut({data, width}: RgbImage, [x, y, holeWidth, holeHeight]: Box): void {
  for (let row = y; row < y + holeHeight; row++) {
    data.fill(0, 3 * (row * width + x), 3 * (row * width + x + holeWidth));
  }
}
