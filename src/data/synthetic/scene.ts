/** @file One scene: a camera, people on the ground before it, things about them, and light. */
import type {RandomStream} from '../../random.js';
import {type Appearance, sampleAppearance} from './appearance.js';
import {type Backdrop, sampleBackdrop} from './backdrop.js';
import {type Camera, makeCamera, project} from './camera.js';
import {isTangled} from './collision.js';
import {normalise} from './geometry.js';
import {clutter, occluder, seat} from './objects.js';
import {samplePose} from './poseLibrary.js';
import type {Light} from './raster.js';
import {poseSkeleton, type Skeleton, sampleProportions} from './skeleton.js';
import type {Solid} from './solids.js';

export interface ScenePerson {
  readonly skeleton: Skeleton;
  readonly appearance: Appearance;
  /** What the person sits on, if on anything. */
  readonly seat: readonly Solid[];
}

export interface Scene {
  readonly camera: Camera;
  readonly light: Light;
  readonly backdrop: Backdrop;
  readonly people: readonly ScenePerson[];
  readonly objects: readonly Solid[];
}

const SIZES: readonly (readonly [number, number])[] = [
  [320, 256],
  [320, 256],
  [320, 240],
  [288, 288],
  [256, 320],
  [240, 304],
];

/** How many tries a further person gets to find a place that does not hide another. */
const PLACE_TRIES = 12;
/** How many poses are drawn to find one that keeps the arms out of the body. */
const POSE_TRIES = 8;
/** The greatest overlap of two people's boxes, intersection over union. */
const MAX_OVERLAP = 0.2;

export function sampleScene(random: RandomStream): Scene {
  const size = random.pick(SIZES);
  const [width, height] = size;
  const focal = Math.max(width, height) * random.uniform(0.9, 1.6);
  // A few pictures are taken from so near that the frame cuts the person.
  const tall = random.chance(0.1) ? random.uniform(1, 1.4) : random.uniform(0.56, 0.92);
  const range = (focal * 1.75) / (tall * height);
  const eyeHeight = random.uniform(0.8, 2.1);
  const camera = aimedCamera(random, size, focal, range, eyeHeight, tall > 0.95);
  const people = samplePeople(random, camera, range);
  const ranges = people.map(({skeleton}) => -skeleton.joints.pelvis[2]);
  return {
    camera,
    light: sampleLight(random),
    backdrop: sampleBackdrop(random, Math.max(...ranges) + 0.6),
    people,
    objects: sampleObjects(random, camera, people),
  };
}

/** Looks at the middle of a person at this range, or at the upper half. */
function aimedCamera(
  random: RandomStream,
  size: readonly [number, number],
  focal: number,
  range: number,
  eyeHeight: number,
  upperHalf: boolean,
): Camera {
  const target = (upperHalf ? 1.2 : 0.88) + random.normal(0, 0.06);
  const pitch = (Math.atan2(eyeHeight - target, range) * 180) / Math.PI;
  return makeCamera(size, focal, eyeHeight, pitch, random.normal(0, 3));
}

function sampleLight(random: RandomStream): Light {
  return {
    direction: normalise([random.uniform(-1, 1), random.uniform(0.4, 1.2), random.uniform(0.1, 1)]),
    ambient: random.uniform(0.5, 0.7),
    diffuse: random.uniform(0.3, 0.55),
  };
}

function samplePeople(random: RandomStream, camera: Camera, range: number): ScenePerson[] {
  const share = random.uniform();
  const wanted = share < 0.55 ? 1 : share < 0.84 ? 2 : share < 0.96 ? 3 : 4;
  const lone = wanted === 1 ? 0.1 : 0.22;
  const people = [samplePerson(random, camera, range, random.normal(0, lone))];
  for (let tries = 0; people.length < wanted && tries < PLACE_TRIES; tries++) {
    const person = samplePerson(
      random,
      camera,
      range * random.uniform(0.85, 1.4),
      random.uniform(-0.44, 0.44),
    );
    const bounds = screenBox(camera, person);
    const clear = people.every((other) => overlap(bounds, screenBox(camera, other)) < MAX_OVERLAP);
    const apart = people.every((other) => groundDistance(person, other) > 0.6);
    if (clear && apart) people.push(person);
  }
  return people;
}

/** @param offCentre where the person stands across the picture, in picture widths from its middle */
function samplePerson(random: RandomStream, camera: Camera, range: number, offCentre: number): ScenePerson {
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

type Bounds = readonly [left: number, top: number, right: number, bottom: number];

function screenBox(camera: Camera, {skeleton}: ScenePerson): Bounds {
  const points = Object.values(skeleton.joints).map((joint) => project(camera, joint));
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function overlap(a: Bounds, b: Bounds): number {
  const area = ([left, top, right, bottom]: Bounds) => Math.max(0, right - left) * Math.max(0, bottom - top);
  const left = Math.max(a[0], b[0]);
  const top = Math.max(a[1], b[1]);
  const shared = area([left, top, Math.max(left, Math.min(a[2], b[2])), Math.max(top, Math.min(a[3], b[3]))]);
  return shared / (area(a) + area(b) - shared);
}

function groundDistance(a: ScenePerson, b: ScenePerson): number {
  const [p, q] = [a.skeleton.joints.pelvis, b.skeleton.joints.pelvis];
  return Math.hypot(p[0] - q[0], p[2] - q[2]);
}

function sampleObjects(random: RandomStream, camera: Camera, people: readonly ScenePerson[]): Solid[] {
  const behind = Math.max(...people.map(({skeleton}) => -skeleton.joints.pelvis[2])) + 0.9;
  const objects: Solid[] = [];
  for (let i = random.integer(5); i > 0; i--) {
    const range = behind + random.uniform(0, 2.5);
    const x = (random.uniform(-0.55, 0.55) * camera.width * range) / camera.focal;
    objects.push(...clutter(random, [x, 0, -range]));
  }
  if (random.chance(0.06)) {
    const [x, , z] = random.pick(people).skeleton.joints.pelvis;
    objects.push(...occluder(random, [x * 0.8 + random.normal(0, 0.25), 0, z + random.uniform(0.75, 1.1)]));
  }
  return objects;
}
