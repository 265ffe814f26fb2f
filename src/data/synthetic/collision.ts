/** @file Whether a pose puts an arm through the trunk or the head, which joint limits cannot know; whether two bodies touch. */
import {add, apply, between, distance, type Mat3, subtract, transpose, type Vec3} from './geometry.js';
import {type Joint, SIDES, type Skeleton} from './skeleton.js';

export function isTangled(skeleton: Skeleton): boolean {
  return SIDES.some((side) => {
    const [elbow, wrist] = [skeleton.joints[`${side}Elbow`], skeleton.joints[`${side}Wrist`]];
    // Also the hand, beyond the wrist.
    const points = [between(elbow, wrist, 0.5), wrist, between(elbow, wrist, 1.25)];
    return points.some((point) => isInTrunk(skeleton, point) || isInHead(skeleton, point));
  });
}

function isInTrunk({joints, frames, proportions}: Skeleton, point: Vec3): boolean {
  const {upperSpine, lowerSpine} = proportions;
  return (
    isInTube(proportions, joints.chest, frames.chest, upperSpine, point) ||
    isInTube(proportions, joints.pelvis, frames.spine, lowerSpine, point)
  );
}

/** An elliptic tube as wide and deep as the trunk, along the frame's y. */
function isInTube(
  {height, build}: Skeleton['proportions'],
  origin: Vec3,
  frame: Mat3,
  length: number,
  point: Vec3,
): boolean {
  const [x, y, z] = apply(transpose(frame), subtract(point, origin));
  if (y < 0 || y > length) return false;
  const [halfWidth, halfDepth] = [0.09 * height * build, 0.068 * height * build];
  return (x / halfWidth) ** 2 + (z / halfDepth) ** 2 < 1;
}

function isInHead({joints, frames, proportions: {headRadius}}: Skeleton, point: Vec3): boolean {
  const centre = add(joints.headBase, apply(frames.head, [0, 0.95 * headRadius, 0.1 * headRadius]));
  return distance(centre, point) < 1.1 * headRadius;
}

/** A stretch of the body, and its radius as a fraction of the body height. */
type Bone = readonly [from: Joint, to: Joint, radius: number];

const BONES: readonly Bone[] = [
  ['pelvis', 'chest', 0.07],
  ['chest', 'neck', 0.065],
  ['neck', 'nose', 0.05],
  ...SIDES.flatMap((side): Bone[] => [
    [`${side}Shoulder`, `${side}Elbow`, 0.03],
    [`${side}Elbow`, `${side}Wrist`, 0.03],
    [`${side}Hip`, `${side}Knee`, 0.045],
    [`${side}Knee`, `${side}Ankle`, 0.03],
    [`${side}Heel`, `${side}Toe`, 0.02],
  ]),
];
/** Spheres along a bone. */
const STEPS = [0, 0.25, 0.5, 0.75, 1];

type Ball = readonly [centre: Vec3, radius: number];

function balls({joints, proportions: {height}}: Skeleton): Ball[] {
  return BONES.flatMap(([from, to, radius]) =>
    STEPS.map((step): Ball => [between(joints[from], joints[to], step), radius * height]),
  );
}

/** Whether two bodies, taken as strings of balls, run into each other. */
export function bodiesTouch(a: Skeleton, b: Skeleton): boolean {
  const others = balls(b);
  return balls(a).some(([centre, radius]) =>
    others.some(([other, otherRadius]) => distance(centre, other) < radius + otherRadius),
  );
}
