/** @file Scenes for these tests: average people in given poses before a given camera. */
import {sampleAppearance} from '../../../src/data/synthetic/appearance.js';
import {sampleBackdrop} from '../../../src/data/synthetic/backdrop.js';
import {makeCamera} from '../../../src/data/synthetic/camera.js';
import type {ScenePerson} from '../../../src/data/synthetic/person.js';
import {type LimbAngles, type Pose, withinLimits} from '../../../src/data/synthetic/pose.js';
import type {Scene} from '../../../src/data/synthetic/scene.js';
import {poseSkeleton, sampleProportions} from '../../../src/data/synthetic/skeleton.js';
import {stream} from '../../../src/random.js';

const LIMB: LimbAngles = {
  shoulderPlane: 90,
  shoulderElevation: 12,
  shoulderRotation: 0,
  elbowFlexion: 5,
  hipFlexion: 0,
  hipAbduction: 5,
  hipRotation: 0,
  kneeFlexion: 3,
  ankleFlexion: 0,
};

/** Upright, looking ahead, arms hanging; but for what `left` and `right` say of an arm and a leg. */
export function uprightPose(left: Partial<LimbAngles> = {}, right: Partial<LimbAngles> = {}): Pose {
  const body = {lean: 0, roll: 0, spineFlexion: 0, spineSide: 0, spineTwist: 0};
  return withinLimits({
    body: {...body, neckFlexion: 0, neckSide: 0, neckTwist: 0},
    left: {...LIMB, ...left},
    right: {...LIMB, ...right},
    lift: 0,
    seated: false,
  });
}

/** A person at (x, 0, z) whose left is at larger x when yaw is 0; short hair, so that ears show. */
export function personAt(x: number, z: number, yaw = 0, pose = uprightPose()): ScenePerson {
  const skeleton = poseSkeleton(sampleProportions(stream(2, 'proportions')), pose, {x, z, yaw});
  const appearance = {...sampleAppearance(stream(2, 'look')), hairStyle: 'short' as const};
  return {skeleton, appearance, seat: []};
}

/** A level camera at breast height; a person at z = −4 fills about two thirds of its height. */
export function sceneOf(...people: ScenePerson[]): Scene {
  return {
    camera: makeCamera([320, 256], 400, 0.9, 0, 0),
    light: {direction: [0, 0.6, 0.8], ambient: 0.6, diffuse: 0.4},
    backdrop: sampleBackdrop(stream(2, 'backdrop'), 6),
    people,
    objects: [],
  };
}
