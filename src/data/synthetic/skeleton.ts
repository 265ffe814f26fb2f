/** @file Body proportions and forward kinematics: from joint angles to joints and segment frames in the world. */
import type {RandomStream} from '../../random.js';
import {add, apply, type Mat3, multiply, rotationX, rotationY, rotationZ, type Vec3} from './geometry.js';
import type {LimbAngles, Pose} from './pose.js';

export type Side = 'left' | 'right';
export const SIDES: readonly Side[] = ['left', 'right'];

/** Segment lengths in metres. The head is measured by the half of its height. */
export interface Proportions {
  readonly height: number;
  readonly headRadius: number;
  readonly neck: number;
  readonly upperSpine: number;
  readonly lowerSpine: number;
  readonly shoulderHalfWidth: number;
  readonly hipHalfWidth: number;
  readonly upperArm: number;
  readonly forearm: number;
  readonly hand: number;
  readonly thigh: number;
  readonly shank: number;
  readonly foot: number;
  /** Height of the ankle above the sole. */
  readonly ankleHeight: number;
  /** Thickness of the body; 1 is average. */
  readonly build: number;
}

type SidedJoint = 'Shoulder' | 'Elbow' | 'Wrist' | 'Hip' | 'Knee' | 'Ankle' | 'Toe' | 'Heel' | 'Eye' | 'Ear';
type SidedSegment = 'UpperArm' | 'Forearm' | 'Thigh' | 'Shank' | 'Foot';
export type Joint = `${Side}${SidedJoint}` | 'pelvis' | 'chest' | 'neck' | 'headBase' | 'nose';
export type Segment = `${Side}${SidedSegment}` | 'pelvis' | 'spine' | 'chest' | 'head';

/** Where a posed person is. In every segment's frame x is the person's left, y up the bone, z the front. */
export interface Skeleton {
  readonly proportions: Proportions;
  readonly joints: Readonly<Record<Joint, Vec3>>;
  readonly frames: Readonly<Record<Segment, Mat3>>;
}

/** Fractions of the body height, after Drillis & Contini 1966; the head is somewhat large, for small pictures. */
const FRACTIONS = {
  headRadius: 0.072,
  neck: 0.045,
  upperSpine: 0.155,
  lowerSpine: 0.135,
  shoulderHalfWidth: 0.108,
  hipHalfWidth: 0.057,
  upperArm: 0.172,
  forearm: 0.146,
  hand: 0.08,
  thigh: 0.24,
  shank: 0.24,
  foot: 0.135,
  ankleHeight: 0.042,
} as const;

/** Adults of 1.5 to 1.95 m, some children with larger heads, and every ratio a few percent off the average. */
export function sampleProportions(random: RandomStream): Proportions {
  const child = random.chance(0.1);
  const height = child ? random.uniform(1.15, 1.45) : random.uniform(1.52, 1.95);
  const head = child ? 1.2 : 1;
  const legs = random.uniform(0.96, 1.04);
  const torso = random.uniform(0.95, 1.05);
  const shoulders = random.uniform(0.92, 1.08);
  const size = (fraction: number, ratio = 1) => fraction * height * ratio * random.uniform(0.98, 1.02);
  return {
    height,
    headRadius: size(FRACTIONS.headRadius, head),
    neck: size(FRACTIONS.neck),
    upperSpine: size(FRACTIONS.upperSpine, torso),
    lowerSpine: size(FRACTIONS.lowerSpine, torso),
    shoulderHalfWidth: size(FRACTIONS.shoulderHalfWidth, shoulders),
    hipHalfWidth: size(FRACTIONS.hipHalfWidth),
    upperArm: size(FRACTIONS.upperArm, shoulders),
    forearm: size(FRACTIONS.forearm, shoulders),
    hand: size(FRACTIONS.hand),
    thigh: size(FRACTIONS.thigh, legs),
    shank: size(FRACTIONS.shank, legs),
    foot: size(FRACTIONS.foot),
    ankleHeight: size(FRACTIONS.ankleHeight),
    build: random.uniform(0.86, 1.2),
  };
}

/** Where the person stands and which way the pelvis faces: yaw 0 looks along +z, 90 along +x. */
export interface Placement {
  readonly x: number;
  readonly z: number;
  readonly yaw: number;
}

/** Poses a body with its lowest sole `pose.lift` above the ground y = 0. */
export function poseSkeleton(proportions: Proportions, pose: Pose, placement: Placement): Skeleton {
  const hanging = poseAtOrigin(proportions, pose, placement.yaw);
  const {leftToe, rightToe, leftHeel, rightHeel} = hanging.joints;
  const lowest = Math.min(leftToe[1], rightToe[1], leftHeel[1], rightHeel[1]);
  const offset: Vec3 = [placement.x, pose.lift - lowest, placement.z];
  const joints = Object.fromEntries(
    Object.entries(hanging.joints).map(([name, joint]) => [name, add(joint, offset)]),
  ) as Record<Joint, Vec3>;
  return {...hanging, joints};
}

function poseAtOrigin(body: Proportions, {body: angles, left, right}: Pose, yaw: number): Skeleton {
  const pelvisFrame = multiply(rotationY(yaw), rotationX(angles.lean), rotationZ(-angles.roll));
  const bend = multiply(
    rotationX(angles.spineFlexion / 2),
    rotationZ(-angles.spineSide / 2),
    rotationY(angles.spineTwist / 2),
  );
  const spineFrame = multiply(pelvisFrame, bend);
  const chestFrame = multiply(spineFrame, bend);
  const headFrame = multiply(
    chestFrame,
    rotationY(angles.neckTwist),
    rotationX(angles.neckFlexion),
    rotationZ(-angles.neckSide),
  );
  const pelvis: Vec3 = [0, 0, 0];
  const chest = add(pelvis, apply(spineFrame, [0, body.lowerSpine, 0]));
  const neck = add(chest, apply(chestFrame, [0, body.upperSpine, 0]));
  const headBase = add(neck, apply(headFrame, [0, body.neck, 0]));
  const limbs = SIDES.flatMap((side) => {
    const limb = side === 'left' ? left : right;
    return [posedArm(side, body, limb, neck, chestFrame), posedLeg(side, body, limb, pelvis, pelvisFrame)];
  });
  const joints = Object.assign({pelvis, chest, neck, headBase}, ...limbs.map((limb) => limb.joints));
  const frames = {pelvis: pelvisFrame, spine: spineFrame, chest: chestFrame, head: headFrame};
  return {
    proportions: body,
    joints: {...joints, ...faceJoints(body, headBase, headFrame)},
    frames: Object.assign(frames, ...limbs.map((limb) => limb.frames)),
  };
}

/** A limb's joints and frames, as far as it has them. */
interface Limb {
  readonly joints: Partial<Record<Joint, Vec3>>;
  readonly frames: Partial<Record<Segment, Mat3>>;
}

/** +1 on the person's left, which is +x. */
const sign = (side: Side): 1 | -1 => (side === 'left' ? 1 : -1);

function posedArm(side: Side, body: Proportions, angles: LimbAngles, neck: Vec3, chestFrame: Mat3): Limb {
  const s = sign(side);
  const upperArm = multiply(
    chestFrame,
    rotationY(s * angles.shoulderPlane),
    rotationX(-angles.shoulderElevation),
    rotationY(-s * (angles.shoulderPlane + angles.shoulderRotation)),
  );
  const forearm = multiply(upperArm, rotationX(-angles.elbowFlexion));
  // A raised arm takes the shoulder with it.
  const shrug = 0.018 * body.height * Math.max(0, angles.shoulderElevation / 90 - 0.7);
  const shoulderOffset: Vec3 = [s * body.shoulderHalfWidth, shrug - 0.018 * body.height, 0];
  const shoulder = add(neck, apply(chestFrame, shoulderOffset));
  const elbow = add(shoulder, apply(upperArm, [0, -body.upperArm, 0]));
  const wrist = add(elbow, apply(forearm, [0, -body.forearm, 0]));
  return {
    joints: {[`${side}Shoulder`]: shoulder, [`${side}Elbow`]: elbow, [`${side}Wrist`]: wrist},
    frames: {[`${side}UpperArm`]: upperArm, [`${side}Forearm`]: forearm},
  };
}

function posedLeg(side: Side, body: Proportions, angles: LimbAngles, pelvis: Vec3, pelvisFrame: Mat3): Limb {
  const s = sign(side);
  const thigh = multiply(
    pelvisFrame,
    rotationX(-angles.hipFlexion),
    rotationZ(s * angles.hipAbduction),
    rotationY(s * angles.hipRotation),
  );
  const shank = multiply(thigh, rotationX(angles.kneeFlexion));
  const foot = multiply(shank, rotationX(angles.ankleFlexion));
  const hip = add(pelvis, apply(pelvisFrame, [s * body.hipHalfWidth, 0, 0]));
  const knee = add(hip, apply(thigh, [0, -body.thigh, 0]));
  const ankle = add(knee, apply(shank, [0, -body.shank, 0]));
  return {
    joints: {
      [`${side}Hip`]: hip,
      [`${side}Knee`]: knee,
      [`${side}Ankle`]: ankle,
      [`${side}Toe`]: add(ankle, apply(foot, [0, -body.ankleHeight, 0.78 * body.foot])),
      [`${side}Heel`]: add(ankle, apply(foot, [0, -body.ankleHeight, -0.22 * body.foot])),
    },
    frames: {[`${side}Thigh`]: thigh, [`${side}Shank`]: shank, [`${side}Foot`]: foot},
  };
}

/** Where the face's keypoints are, in units of the head's radius from its base; x is for the left side. */
export const FACE = {
  nose: [0, 0.76, 1.06],
  eye: [0.3, 1.02, 0.86],
  ear: [0.76, 0.86, 0.06],
} as const satisfies Record<string, Vec3>;

function faceJoints(body: Proportions, base: Vec3, frame: Mat3): Pick<Skeleton['joints'], FaceJoint> {
  const at = ([x, y, z]: Vec3, s: number): Vec3 =>
    add(base, apply(frame, [s * x * body.headRadius, y * body.headRadius, z * body.headRadius]));
  return {
    nose: at(FACE.nose, 1),
    leftEye: at(FACE.eye, 1),
    rightEye: at(FACE.eye, -1),
    leftEar: at(FACE.ear, 1),
    rightEar: at(FACE.ear, -1),
  };
}

/** The top of the skull, without hair. */
export function crownOf({joints, frames, proportions: {headRadius}}: Skeleton): Vec3 {
  return add(joints.headBase, apply(frames.head, [0, 1.94 * headRadius, 0.1 * headRadius]));
}

type FaceJoint = 'nose' | `${Side}Eye` | `${Side}Ear`;
