import {describe, expect, it} from 'vitest';
import {isTangled} from '../../../src/data/synthetic/collision.js';
import {distance} from '../../../src/data/synthetic/geometry.js';
import {BODY_LIMITS, LIMB_LIMITS} from '../../../src/data/synthetic/pose.js';
import {samplePose} from '../../../src/data/synthetic/poseLibrary.js';
import {poseSkeleton, SIDES, sampleProportions} from '../../../src/data/synthetic/skeleton.js';
import {stream} from '../../../src/random.js';
import {uprightPose} from './people.js';

const proportions = sampleProportions(stream(1, 'proportions'));
const upright = poseSkeleton(proportions, uprightPose(), {x: 0, z: 0, yaw: 0});

describe('poses', () => {
  it('stay within the limits of every joint', () => {
    const limits = new Map<string, readonly [number, number]>(
      Object.entries({...BODY_LIMITS, ...LIMB_LIMITS}),
    );
    const outside: string[] = [];
    for (let i = 0; i < 500; i++) {
      const {body, left, right} = samplePose(stream(1, 'pose', 0, i));
      for (const [name, angle] of [body, left, right].flatMap((angles) => Object.entries(angles))) {
        const [low, high] = limits.get(name)!;
        if (!(angle >= low && angle <= high)) outside.push(`${name} ${angle}`);
      }
    }
    expect(outside).toEqual([]);
  });

  it('rarely put an arm through the body', () => {
    const skeletons = Array.from({length: 300}, (_, i) =>
      poseSkeleton(proportions, samplePose(stream(1, 'pose', 0, i)), {x: 0, z: 0, yaw: 0}),
    );
    expect(skeletons.filter(isTangled).length).toBeLessThan(60);
  });
});

describe('the skeleton', () => {
  it('keeps its bone lengths in every pose', () => {
    for (let i = 0; i < 100; i++) {
      const pose = samplePose(stream(1, 'pose', 0, i));
      const {joints} = poseSkeleton(proportions, pose, {x: 1, z: -4, yaw: 40 * i});
      for (const side of SIDES) {
        const bone = (a: 'Shoulder' | 'Elbow' | 'Hip' | 'Knee', b: 'Elbow' | 'Wrist' | 'Knee' | 'Ankle') =>
          distance(joints[`${side}${a}`], joints[`${side}${b}`]);
        expect(bone('Shoulder', 'Elbow')).toBeCloseTo(proportions.upperArm, 9);
        expect(bone('Elbow', 'Wrist')).toBeCloseTo(proportions.forearm, 9);
        expect(bone('Hip', 'Knee')).toBeCloseTo(proportions.thigh, 9);
        expect(bone('Knee', 'Ankle')).toBeCloseTo(proportions.shank, 9);
      }
      expect(distance(joints.leftHip, joints.rightHip)).toBeCloseTo(2 * proportions.hipHalfWidth, 9);
    }
  });

  it('stands on the ground, as tall as its height says to a few percent', () => {
    const soles = SIDES.flatMap((side) => [
      upright.joints[`${side}Heel`][1],
      upright.joints[`${side}Toe`][1],
    ]);
    expect(Math.min(...soles)).toBeCloseTo(0, 9);
    const crown = upright.joints.headBase[1] + 1.94 * proportions.headRadius;
    expect(crown / proportions.height).toBeGreaterThan(0.93);
    expect(crown / proportions.height).toBeLessThan(1.07);
  });

  it('has its left at larger x and its nose and toes in front when it faces along +z', () => {
    const {joints} = upright;
    for (const joint of ['Eye', 'Ear', 'Shoulder', 'Elbow', 'Wrist', 'Hip', 'Knee', 'Ankle'] as const) {
      expect(joints[`left${joint}`][0], joint).toBeGreaterThan(joints[`right${joint}`][0]);
    }
    expect(joints.nose[2]).toBeGreaterThan(joints.leftEar[2] + 0.5 * proportions.headRadius);
    expect(joints.leftToe[2]).toBeGreaterThan(joints.leftHeel[2]);
  });

  it.each([
    ['raises an arm sideways', {shoulderPlane: 90, shoulderElevation: 90}, 'leftElbow', 0, 1],
    ['raises an arm forwards', {shoulderPlane: 0, shoulderElevation: 90}, 'leftElbow', 2, 1],
    ['bends the elbow forwards', {elbowFlexion: 90}, 'leftWrist', 2, 1],
    ['lifts the thigh forwards', {hipFlexion: 80}, 'leftKnee', 2, 1],
    ['bends the knee backwards', {kneeFlexion: 90}, 'leftAnkle', 2, -1],
  ] as const)('%s', (_, angles, joint, axis, direction) => {
    const {joints} = poseSkeleton(proportions, uprightPose(angles), {x: 0, z: 0, yaw: 0});
    expect(direction * (joints[joint][axis] - upright.joints[joint][axis])).toBeGreaterThan(0.15);
  });

  it('mirrors a pose whose limbs change places', () => {
    const pose = uprightPose({shoulderElevation: 70, elbowFlexion: 60, hipAbduction: 20, hipRotation: 10});
    const mirrored = poseSkeleton(
      proportions,
      {...pose, left: pose.right, right: pose.left},
      {x: 0, z: 0, yaw: 0},
    );
    const {joints} = poseSkeleton(proportions, pose, {x: 0, z: 0, yaw: 0});
    for (const joint of ['Wrist', 'Ankle', 'Toe'] as const) {
      const [x, y, z] = joints[`left${joint}`];
      expect(distance(mirrored.joints[`right${joint}`], [-x, y, z]), joint).toBeLessThan(1e-9);
    }
  });
});
