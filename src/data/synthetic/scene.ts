/** @file One scene: a camera, people on the ground before it, things about them, and light. */
import type {RandomStream} from '../../random.js';
import {type Backdrop, sampleBackdrop} from './backdrop.js';
import {type Camera, makeCamera} from './camera.js';
import {type CrowdOptions, sampleCrowd} from './crowd.js';
import {normalise} from './geometry.js';
import {clutter, occluder} from './objects.js';
import {groundDistance, overlap, type ScenePerson, samplePerson, screenBox} from './person.js';
import type {Light} from './raster.js';
import type {Solid} from './solids.js';

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
/** The greatest overlap of two people's boxes, intersection over union. */
const MAX_OVERLAP = 0.2;

/** @param crowd null: a few people, well apart */
export function sampleScene(random: RandomStream, crowd: CrowdOptions | null = null): Scene {
  const size = random.pick(SIZES);
  const [width, height] = size;
  const focal = Math.max(width, height) * random.uniform(0.9, 1.6);
  // A few pictures are taken from so near that the frame cuts the person.
  const tall = random.chance(0.1) ? random.uniform(1, 1.4) : random.uniform(0.56, 0.92);
  const range = (focal * 1.75) / (tall * height);
  const eyeHeight = random.uniform(0.8, 2.1);
  const camera = aimedCamera(random, size, focal, range, eyeHeight, tall > 0.95);
  const people = crowd ? sampleCrowd(random, camera, range, crowd) : samplePeople(random, camera, range);
  const ranges = people.map(({skeleton}) => -skeleton.joints.pelvis[2]);
  return {
    camera,
    light: sampleLight(random),
    backdrop: sampleBackdrop(random, Math.max(...ranges) + 0.6),
    people,
    objects: [
      ...sampleClutter(random, camera, people),
      // What stands before a crowd would stand in somebody of it.
      ...(crowd ? [] : sampleOccluder(random, people)),
    ],
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

function sampleClutter(random: RandomStream, camera: Camera, people: readonly ScenePerson[]): Solid[] {
  const behind = Math.max(...people.map(({skeleton}) => -skeleton.joints.pelvis[2])) + 0.9;
  const objects: Solid[] = [];
  for (let i = random.integer(5); i > 0; i--) {
    const range = behind + random.uniform(0, 2.5);
    const x = (random.uniform(-0.55, 0.55) * camera.width * range) / camera.focal;
    objects.push(...clutter(random, [x, 0, -range]));
  }
  return objects;
}

/** In few pictures something that hides a part of one person. */
function sampleOccluder(random: RandomStream, people: readonly ScenePerson[]): Solid[] {
  if (!random.chance(0.06)) return [];
  const [x, , z] = random.pick(people).skeleton.joints.pelvis;
  return occluder(random, [x * 0.8 + random.normal(0, 0.25), 0, z + random.uniform(0.75, 1.1)]);
}
