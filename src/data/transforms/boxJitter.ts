/** @file Box jitter: the region moves as a detector's box would (MMPose's RandomBBoxTransform, its shift). */
import type {BoxJitterConfig} from '../../config/schema.js';
import type {RandomStream} from '../../random.js';
import type {CropRegion} from '../types.js';

/** Shift of each axis as a share of the region's size: a normal draw within one deviation, times `shift`. */
export function drawBoxJitter(
  {probability, shift}: BoxJitterConfig,
  random: RandomStream,
): readonly [number, number] {
  if (!random.chance(probability)) return [0, 0];
  return [shift * withinDeviation(random), shift * withinDeviation(random)];
}

export function jitterBox(region: CropRegion, [dx, dy]: readonly [number, number]): CropRegion {
  const {center, size} = region;
  return {...region, center: [center[0] + dx * size[0], center[1] + dy * size[1]]};
}

/** A standard normal draw, again and again until it lies in [−1, 1]. */
function withinDeviation(random: RandomStream): number {
  while (true) {
    const value = random.normal();
    if (Math.abs(value) <= 1) return value;
  }
}
