/**
 * @file Where in a crop something else is than the person whom it is made for: a keypoint or the centre of somebody else,
 * or the background. Off-target perturbation (RDPose) takes features from there.
 */
import {centreOf} from '../codecs/centre.js';
import type {RandomStream} from '../random.js';
import {type Affine, applyAffine} from './transforms/affine.js';

export interface OffTargetSettings {
  /** How likely it is somebody else, where there is anybody else in the crop. */
  readonly neighbour: number;
  /** How far the background is from every labelled keypoint, in input pixels. */
  readonly distance: number;
}

/** What a batch holds of it for each sample: x and y of the person's centre and of the place, in cells; 1 if there is a place, else 0. */
export const OFF_TARGET_NUMBERS = 5;

export type Point = readonly [x: number, y: number];

/** Most crops leave much more than a tenth of their area free; in a few that do not, nothing is perturbed. */
const ATTEMPTS = 30;

/**
 * Draws a place in the crop that does not belong to the person.
 * @param own keypoints in input pixels, [keypoints × 3] with weights
 * @param others keypoints of everybody else on the image, in its pixels, [keypoints × 3] with visibilities
 * @param toInput from the image to input pixels
 * @param input [height, width]
 * @returns in input pixels; null if there is nothing but the person
 */
export function drawOffTarget(
  own: ArrayLike<number>,
  others: readonly (readonly number[])[],
  toInput: Affine,
  input: readonly [number, number],
  {neighbour, distance}: OffTargetSettings,
  random: RandomStream,
): Point | null {
  const [height, width] = input;
  const wantsNeighbour = random.chance(neighbour);
  const places = wantsNeighbour ? others.flatMap((keypoints) => placesOf(keypoints, toInput)) : [];
  const inside = places.filter(([x, y]) => x >= 0 && y >= 0 && x < width && y < height);
  if (inside.length > 0) return random.pick(inside);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const place: Point = [random.uniform(0, width), random.uniform(0, height)];
    if (isFree(place, own, distance)) return place;
  }
  return null;
}

/** Labelled keypoints and their centre, in input pixels. */
function placesOf(keypoints: readonly number[], toInput: Affine): Point[] {
  const places: Point[] = [];
  for (let i = 0; i < keypoints.length; i += 3) {
    if (keypoints[i + 2] > 0) places.push(applyAffine(toInput, keypoints[i], keypoints[i + 1]));
  }
  const centre = centreOf(keypoints);
  return centre ? [...places, applyAffine(toInput, ...centre)] : places;
}

function isFree([x, y]: Point, own: ArrayLike<number>, distance: number): boolean {
  for (let i = 0; i < own.length; i += 3) {
    if (own[i + 2] > 0 && Math.hypot(own[i] - x, own[i + 1] - y) <= distance) return false;
  }
  return true;
}
