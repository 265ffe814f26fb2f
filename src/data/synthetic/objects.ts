/** @file Things that stand about: furniture, poles, trees, balls; behind people, beside them and before them. */
import type {RandomStream} from '../../random.js';
import {anyColour, fromHue} from './appearance.js';
import {add, apply, rotationY, type Vec3} from './geometry.js';
import type {Skeleton} from './skeleton.js';
import {box, ellipsoid, limb, type Material, plain, type Solid} from './solids.js';

const UPRIGHT = rotationY(0);

type ObjectMaker = (random: RandomStream, foot: Vec3) => Solid[];

/** Anything, with its foot at a point of the ground. */
export function clutter(random: RandomStream, foot: Vec3): Solid[] {
  return random.pick<ObjectMaker>([crate, shelf, table, pole, tree, ball])(random, foot);
}

/** Something low or slim: it hides a part of whoever stands behind it. */
export function occluder(random: RandomStream, foot: Vec3): Solid[] {
  return random.pick<ObjectMaker>([crate, crate, table, pole, bush])(random, foot);
}

/** What a seated person sits on: a box turned as the pelvis is. */
export function seat(random: RandomStream, {joints, frames, proportions}: Skeleton): Solid[] {
  const [x, y, z] = joints.pelvis;
  const top = y - 0.058 * proportions.height;
  const [frontX, , frontZ] = apply(frames.pelvis, [0, 0, 1]);
  const yaw = (Math.atan2(frontX, frontZ) * 180) / Math.PI;
  const half: Vec3 = [random.uniform(0.2, 0.3), top / 2, 0.19];
  return [box([x, top / 2, z], half, rotationY(yaw), plain(anyColour(random)))];
}

function painted(random: RandomStream): Material {
  if (random.chance(0.75)) return plain(anyColour(random));
  const pattern = random.pick(['hoops', 'stripes', 'checks'] as const);
  return {colour: anyColour(random), accent: anyColour(random), pattern, period: random.uniform(0.15, 0.4)};
}

function crate(random: RandomStream, [x, , z]: Vec3): Solid[] {
  const half: Vec3 = [random.uniform(0.2, 0.5), random.uniform(0.15, 0.42), random.uniform(0.15, 0.35)];
  return [box([x, half[1], z], half, rotationY(random.uniform(-40, 40)), painted(random))];
}

function shelf(random: RandomStream, [x, , z]: Vec3): Solid[] {
  const half: Vec3 = [random.uniform(0.3, 0.7), random.uniform(0.6, 1.1), 0.2];
  const body = box([x, half[1], z], half, UPRIGHT, painted(random));
  const boards = [0.3, 0.6, 0.9].map((level) =>
    box([x, 2 * half[1] * level, z + 0.2], [half[0] * 0.92, 0.07, 0.03], UPRIGHT, plain(anyColour(random))),
  );
  return [body, ...boards];
}

function table(random: RandomStream, [x, , z]: Vec3): Solid[] {
  const [width, depth, height] = [
    random.uniform(0.35, 0.7),
    random.uniform(0.2, 0.35),
    random.uniform(0.45, 0.8),
  ];
  const material = plain(anyColour(random));
  const top = box([x, height, z], [width, 0.03, depth], UPRIGHT, material);
  const corners = [-1, 1].flatMap((sx) => [-1, 1].map((sz) => [sx * 0.92 * width, sz * 0.9 * depth]));
  const legs = corners.map(([dx, dz]) =>
    box([x + dx, height / 2, z + dz], [0.025, height / 2, 0.025], UPRIGHT, material),
  );
  return [top, ...legs];
}

function pole(random: RandomStream, foot: Vec3): Solid[] {
  const radius = random.uniform(0.03, 0.07);
  const top = add(foot, [random.normal(0, 0.05), random.uniform(1.2, 3.5), 0]);
  return [limb([foot, top], [radius, radius], UPRIGHT, painted(random))];
}

function tree(random: RandomStream, foot: Vec3): Solid[] {
  const height = random.uniform(1.2, 2.4);
  const top = add(foot, [random.normal(0, 0.08), height, 0]);
  const bark = plain(fromHue(0.08, random.uniform(0.2, 0.5), random.uniform(50, 120)));
  const crown = Array.from({length: 3}, () => foliage(random, add(top, spread(random, 0.35)), 0.55));
  return [limb([foot, top], [0.12, 0.08], UPRIGHT, bark), ...crown];
}

function bush(random: RandomStream, foot: Vec3): Solid[] {
  return Array.from({length: 3}, () =>
    foliage(random, add(foot, add(spread(random, 0.22), [0, 0.25, 0])), 0.3),
  );
}

function foliage(random: RandomStream, centre: Vec3, size: number): Solid {
  const leaves = plain(
    fromHue(random.uniform(0.2, 0.36), random.uniform(0.3, 0.65), random.uniform(60, 150)),
  );
  const radii: Vec3 = [size * random.uniform(0.7, 1.2), size * random.uniform(0.6, 1.1), size];
  return ellipsoid(centre, radii, UPRIGHT, leaves);
}

function ball(random: RandomStream, [x, , z]: Vec3): Solid[] {
  const radius = random.uniform(0.1, 0.3);
  return [ellipsoid([x, radius, z], [radius, radius, radius], UPRIGHT, painted(random))];
}

const spread = (random: RandomStream, size: number): Vec3 => [
  random.normal(0, size),
  random.normal(0, size / 2),
  random.normal(0, size / 2),
];
