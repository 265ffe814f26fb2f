/** @file Random changes of a person's region: half body, scale, rotation and mirroring, in HRNet's order. */
import type {AugmentConfig} from '../../config/schema.js';
import type {RandomStream} from '../../random.js';
import type {KeypointSet} from '../keypoints.js';
import type {CropRegion} from '../types.js';
import {paddedSize} from './region.js';

/** HRNet pads a half body more than a whole one. */
const HALF_BODY_PADDING = 1.5;

/** A region of the original image, to be shown mirrored or not. */
export interface View {
  readonly region: CropRegion;
  readonly flipped: boolean;
}

/**
 * Draws one augmentation as HRNet's JointsDataset does (Sun et al. 2019, section 4.1).
 * @param keypoints [keypoints × 3] of the person, in the image
 * @param aspectRatio width / height of the network's input
 * @param random is advanced by as many draws as the person's augmentation needs
 */
export function augment(
  whole: CropRegion,
  keypoints: readonly number[],
  set: KeypointSet,
  config: AugmentConfig,
  aspectRatio: number,
  random: RandomStream,
): View {
  const labelled = set.names.map((_, i) => i).filter((i) => keypoints[3 * i + 2] > 0);
  const half =
    labelled.length > config.halfBody.minKeypoints && random.chance(config.halfBody.probability)
      ? halfBody(keypoints, labelled, set, aspectRatio, random)
      : null;
  const {center, size} = half ?? whole;
  const scale = clip(random.normal(1, config.scale), 1 - config.scale, 1 + config.scale);
  const angle = clip(random.normal(0, config.rotation), -2 * config.rotation, 2 * config.rotation);
  const rotation = random.chance(config.rotationProbability) ? angle : 0;
  const flipped = random.chance(config.flip);
  return {
    // HRNet rotates after mirroring; seen in the original image, that turns the other way.
    region: {center, size: [size[0] * scale, size[1] * scale], rotation: flipped ? -rotation : rotation},
    flipped,
  };
}

/**
 * The region of the upper or of the lower body, about the mean of its labelled keypoints (HRNet's
 * `half_body_transform`); null if too few are labelled, or if they all lie in one place.
 */
function halfBody(
  keypoints: readonly number[],
  labelled: readonly number[],
  set: KeypointSet,
  aspectRatio: number,
  random: RandomStream,
): CropRegion | null {
  const upper = labelled.filter((i) => set.upperBody.includes(i));
  const lower = labelled.filter((i) => set.lowerBody.includes(i));
  // A normal draw below 0.5, hence the upper body in 69 % of cases: what HRNet's code does.
  const preferUpper = random.normal() < 0.5 && upper.length > 2;
  const chosen = preferUpper || lower.length <= 2 ? upper : lower;
  if (chosen.length < 2) return null;
  const xs = chosen.map((i) => keypoints[3 * i]);
  const ys = chosen.map((i) => keypoints[3 * i + 1]);
  const width = Math.max(...xs) - Math.min(...xs);
  const height = Math.max(...ys) - Math.min(...ys);
  if (width === 0 && height === 0) return null;
  return {
    center: [mean(xs), mean(ys)],
    size: paddedSize(width, height, aspectRatio, HALF_BODY_PADDING),
    rotation: 0,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function clip(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
