/** @file A person of a scene: posed and dressed, somewhere on the ground; and how two people lie in the picture. */
import type {RandomStream} from '../../random.js';
import {type Appearance, sampleAppearance} from './appearance.js';
import {type Camera, project} from './camera.js';
import {isTangled} from './collision.js';
import {seat} from './objects.js';
import {samplePose} from './poseLibrary.js';
import {poseSkeleton, type Skeleton, sampleProportions} from './skeleton.js';
import type {Solid} from './solids.js';

export interface ScenePerson {
  readonly skeleton: Skeleton;
  readonly appearance: Appearance;
  /** What the person sits on, if on anything. */
  readonly seat: readonly Solid[];
}

/** How many poses are drawn to find one that keeps the arms out of the body. */
const POSE_TRIES = 8;

/** @param offCentre where the person stands across the picture, in picture widths from its middle */
export function samplePerson(
  random: RandomStream,
  camera: Camera,
  range: number,
  offCentre: number,
): ScenePerson {
  const x = (Math.max(-0.5, Math.min(0.5, offCentre)) * camera.width * range) / camera.focal;
  const proportions = sampleProportions(random);
  const placement = {x, z: -range, yaw: sampleYaw(random)};
  const posed = () => {
    const pose = samplePose(random);
    return {pose, skeleton: poseSkeleton(proportions, pose, placement)};
  };
  let {pose, skeleton} = posed();
  for (let tries = 1; isTangled(skeleton) && tries < POSE_TRIES; tries++) ({pose, skeleton} = posed());
  return {
    skeleton,
    appearance: sampleAppearance(random),
    seat: pose.seated ? seat(random, skeleton) : [],
  };
}

/** People mostly face the camera. */
function sampleYaw(random: RandomStream): number {
  const share = random.uniform();
  if (share < 0.74) return random.normal(0, 30);
  return share < 0.86 ? random.normal(180, 25) : random.uniform(-180, 180);
}

export type Bounds = readonly [left: number, top: number, right: number, bottom: number];

/** About a person's joints, in pixels; also of those out of the frame. */
export function screenBox(camera: Camera, {skeleton}: ScenePerson): Bounds {
  const points = Object.values(skeleton.joints).map((joint) => project(camera, joint));
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Intersection over union. */
export function overlap(a: Bounds, b: Bounds): number {
  const area = ([left, top, right, bottom]: Bounds) => Math.max(0, right - left) * Math.max(0, bottom - top);
  const left = Math.max(a[0], b[0]);
  const top = Math.max(a[1], b[1]);
  const shared = area([left, top, Math.max(left, Math.min(a[2], b[2])), Math.max(top, Math.min(a[3], b[3]))]);
  return shared / (area(a) + area(b) - shared);
}

/** Between two people's pelvises as seen from above, in metres. */
export function groundDistance(a: ScenePerson, b: ScenePerson): number {
  const [p, q] = [a.skeleton.joints.pelvis, b.skeleton.joints.pelvis];
  return Math.hypot(p[0] - q[0], p[2] - q[2]);
}
