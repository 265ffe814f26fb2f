/** @file People who stand so close that they hide each other. */
import type {RandomStream} from '../../random.js';
import type {Camera} from './camera.js';
import {bodiesTouch} from './collision.js';
import {add} from './geometry.js';
import {overlap, type ScenePerson, samplePerson, screenBox} from './person.js';
import type {Joint, Skeleton} from './skeleton.js';

export interface CrowdOptions {
  /** Least and greatest number of people in a picture; each number between them is as likely. */
  readonly people: readonly [number, number];
  /**
   * Each person but the first joins an earlier one. The intersection over union of the boxes about their joints is
   * drawn uniformly between these; nobody overlaps a third more than the greater says.
   */
  readonly overlap: readonly [number, number];
}

/** What "a crowd" is if nothing else is said. */
export const USUAL_CROWD: CrowdOptions = {people: [2, 5], overlap: [0.2, 0.7]};

/** How many times somebody is posed anew to find a place, for each person wanted. */
const TRIES = 20;
/** How far the overlap may be from what was drawn. */
const TOLERANCE = 0.06;
/** In metres: how much farther or nearer than the one whom they join, and how finely places are tried. */
const DEPTH_APART: readonly [number, number] = [0.3, 1.1];
const STEP = 0.04;
/** As shares of the range at which one person fills the picture: where the first stands, where anybody may stand. */
const FIRST_RANGE = 1.2;
const RANGES: readonly [number, number] = [0.95, 1.9];

/** As many people as were drawn, or fewer where no place for more is found. */
export function sampleCrowd(
  random: RandomStream,
  camera: Camera,
  range: number,
  {people: [least, most], overlap: [low, high]}: CrowdOptions,
): ScenePerson[] {
  const wanted = least + random.integer(most - least + 1);
  const people = [samplePerson(random, camera, FIRST_RANGE * range, random.normal(0, 0.15))];
  for (let tries = 0; people.length < wanted && tries < TRIES * wanted; tries++) {
    const partner = random.pick(people);
    const target = random.uniform(low, high);
    const person = samplePerson(random, camera, rangeNear(random, partner, range), 0);
    const placed = joined(random, camera, person, partner, people, [target, high]);
    if (placed) people.push(placed);
  }
  return people;
}

function rangeNear(random: RandomStream, partner: ScenePerson, range: number): number {
  const apart = random.uniform(...DEPTH_APART) * (random.chance(0.5) ? 1 : -1);
  const wanted = apart - partner.skeleton.joints.pelvis[2];
  return Math.min(RANGES[1] * range, Math.max(RANGES[0] * range, wanted));
}

/** The person moved sideways until the overlap with the partner is the target; null if that cannot be. */
function joined(
  random: RandomStream,
  camera: Camera,
  person: ScenePerson,
  partner: ScenePerson,
  people: readonly ScenePerson[],
  [target, most]: readonly [number, number],
): ScenePerson | null {
  const [partnerX, , partnerZ] = partner.skeleton.joints.pelvis;
  const [x, , z] = person.skeleton.joints.pelvis;
  const halfWidth = (camera.width * -z) / camera.focal / 2;
  const side = random.chance(0.5) ? STEP : -STEP;
  const partnerBox = screenBox(camera, partner);
  let best: ScenePerson | null = null;
  let leastError = TOLERANCE;
  // From straight before or behind the partner, as the camera sees them, to the edge of the picture.
  for (let at = (partnerX * z) / partnerZ; Math.abs(at) < halfWidth; at += side) {
    const moved = movedBy(person, at - x);
    const excess = overlap(screenBox(camera, moved), partnerBox) - target;
    // From here on it only falls.
    if (excess < -TOLERANCE) break;
    const error = Math.abs(excess);
    if (error >= leastError || !fits(camera, moved, people, most)) continue;
    [best, leastError] = [moved, error];
  }
  return best;
}

function fits(camera: Camera, person: ScenePerson, people: readonly ScenePerson[], most: number): boolean {
  const box = screenBox(camera, person);
  return people.every(
    (other) =>
      overlap(box, screenBox(camera, other)) <= most + TOLERANCE &&
      !bodiesTouch(person.skeleton, other.skeleton),
  );
}

/** To the right by so many metres, with the seat. */
function movedBy({skeleton, appearance, seat}: ScenePerson, x: number): ScenePerson {
  const joints = Object.fromEntries(
    Object.entries(skeleton.joints).map(([name, joint]) => [name, add(joint, [x, 0, 0])]),
  ) as Record<Joint, Skeleton['joints'][Joint]>;
  return {
    skeleton: {...skeleton, joints},
    appearance,
    seat: seat.map((solid) => ({...solid, origin: add(solid.origin, [x, 0, 0])})),
  };
}
