/** @file A person's body and clothes as solids on a posed skeleton. */
import type {Appearance} from './appearance.js';
import {add, apply, between, type Mat3, type Vec3} from './geometry.js';
import {headSolids} from './head.js';
import type {BodySolid} from './parts.js';
import {SIDES, type Side, type Skeleton} from './skeleton.js';
import {ellipsoid, limb, type Material, plain, type Solid} from './solids.js';

export function bodySolids(skeleton: Skeleton, look: Appearance): BodySolid[] {
  return [
    ...torso(skeleton, look),
    ...headSolids(skeleton, look),
    ...SIDES.flatMap((side) => [...arm(skeleton, look, side), ...leg(skeleton, look, side)]),
    ...(look.legWear === 'skirt' ? skirt(skeleton, look) : []),
  ];
}

/** Radii are fractions of the body height, made thicker or thinner by the build. */
function thickness({proportions}: Skeleton): (fraction: number) => number {
  return (fraction) => fraction * proportions.height * proportions.build;
}

function torso(skeleton: Skeleton, look: Appearance): BodySolid[] {
  const {joints, frames, proportions} = skeleton;
  const thick = thickness(skeleton);
  const inChest = ([x, y, z]: Vec3): Vec3 => add(joints.chest, apply(frames.chest, [x, y, z]));
  const top = proportions.upperSpine;
  const chestWidth = (0.92 * proportions.shoulderHalfWidth) / thick(0.053);
  const solids: BodySolid[] = [
    {part: 'pelvis', solid: pelvis(skeleton, look)},
    {
      part: 'torso',
      solid: limb(
        [
          add(joints.pelvis, apply(frames.spine, [0, 0.03 * proportions.height, 0])),
          inChest([0, 0.3 * top, 0]),
        ],
        [thick(0.054), thick(0.056)],
        frames.spine,
        look.shirt,
        [1.45, 1.08],
      ),
    },
    {
      part: 'torso',
      solid: limb(
        [inChest([0, 0.02 * top, 0]), inChest([0, 0.72 * top, 0])],
        [thick(0.048), thick(0.053)],
        frames.chest,
        look.shirt,
        [chestWidth, 1.12],
      ),
    },
    {
      part: 'head',
      solid: limb([joints.neck, joints.headBase], [thick(0.033), thick(0.03)], frames.head, look.skin),
    },
  ];
  for (const side of SIDES) {
    const slope: readonly [Vec3, Vec3] = [inChest([0, 0.93 * top, 0]), joints[`${side}Shoulder`]];
    solids.push({part: 'torso', solid: limb(slope, [thick(0.036), thick(0.034)], frames.chest, look.shirt)});
  }
  if (look.print) solids.push({part: 'torso', solid: print(skeleton, look.print)});
  return solids;
}

function pelvis({joints, frames, proportions}: Skeleton, look: Appearance): Solid {
  const {height, hipHalfWidth, build} = proportions;
  const centre = add(joints.pelvis, apply(frames.pelvis, [0, 0.012 * height, 0]));
  const radii: Vec3 = [hipHalfWidth + 0.042 * height * build, 0.062 * height, 0.068 * height * build];
  return ellipsoid(centre, radii, frames.pelvis, look.legs);
}

/** A flat patch on the breast: it tells the front from the back. */
function print({joints, frames, proportions}: Skeleton, material: Material): Solid {
  const {height, build, upperSpine} = proportions;
  const forward = 0.056 * 1.12 * height * build;
  const centre = add(joints.chest, apply(frames.chest, [0, 0.42 * upperSpine, forward * 0.82]));
  return ellipsoid(centre, [0.045 * height, 0.035 * height, forward * 0.24], frames.chest, material);
}

function arm(skeleton: Skeleton, look: Appearance, side: Side): BodySolid[] {
  const {joints, frames, proportions} = skeleton;
  const thick = thickness(skeleton);
  const [shoulder, elbow, wrist] = [
    joints[`${side}Shoulder`],
    joints[`${side}Elbow`],
    joints[`${side}Wrist`],
  ];
  const [upper, fore] = [frames[`${side}UpperArm`], frames[`${side}Forearm`]];
  const long = look.sleeve > 1;
  const cloth = long ? look.shirt : look.skin;
  const solids: BodySolid[] = [
    {
      part: `${side}UpperArm`,
      solid: limb([shoulder, elbow], [thick(0.03), thick(0.0245)], upper, cloth),
    },
    {part: `${side}Forearm`, solid: limb([elbow, wrist], [thick(0.025), thick(0.0175)], fore, cloth)},
    {part: `${side}Hand`, solid: hand(wrist, fore, proportions.hand, look.skin)},
  ];
  if (!long) {
    const hem = between(shoulder, elbow, look.sleeve);
    solids.push({
      part: `${side}UpperArm`,
      solid: limb([shoulder, hem], [thick(0.036), thick(0.034)], upper, look.shirt),
    });
  }
  return solids;
}

function hand(wrist: Vec3, frame: Mat3, size: number, skin: Material): Solid {
  const centre = add(wrist, apply(frame, [0, -0.5 * size, 0]));
  return ellipsoid(centre, [0.2 * size, 0.58 * size, 0.34 * size], frame, skin);
}

function leg(skeleton: Skeleton, look: Appearance, side: Side): BodySolid[] {
  const {joints, frames} = skeleton;
  const thick = thickness(skeleton);
  const [hip, knee, ankle] = [joints[`${side}Hip`], joints[`${side}Knee`], joints[`${side}Ankle`]];
  const [thigh, shank] = [frames[`${side}Thigh`], frames[`${side}Shank`]];
  const covered = look.legWear === 'trousers';
  const cloth = covered ? look.legs : look.skin;
  const calf = add(between(knee, ankle, 0.3), apply(shank, [0, 0, -thick(0.008)]));
  const solids: BodySolid[] = [
    {part: `${side}Thigh`, solid: limb([hip, knee], [thick(0.05), thick(0.034)], thigh, cloth)},
    {part: `${side}Shank`, solid: limb([knee, ankle], [thick(0.033), thick(0.022)], shank, cloth)},
    {part: `${side}Shank`, solid: limb([calf, ankle], [thick(0.034), thick(0.022)], shank, cloth)},
    ...foot(skeleton, look, side),
  ];
  if (look.legWear === 'shorts') {
    const hem = between(hip, knee, 0.72);
    solids.push({
      part: `${side}Thigh`,
      solid: limb([hip, hem], [thick(0.055), thick(0.05)], thigh, look.legs),
    });
  }
  if (!covered) {
    const top = between(ankle, knee, 0.22);
    solids.push({
      part: `${side}Shank`,
      solid: limb([ankle, top], [thick(0.025), thick(0.028)], shank, look.socks),
    });
  }
  return solids;
}

/** A shoe with a light sole, longer in front of the ankle than behind it. */
function foot({joints, frames, proportions}: Skeleton, look: Appearance, side: Side): BodySolid[] {
  const radius = 0.024 * proportions.height;
  const frame = frames[`${side}Foot`];
  const up = (point: Vec3, lift: number): Vec3 => add(point, apply(frame, [0, lift, 0]));
  const [heel, toe, ankle] = [joints[`${side}Heel`], joints[`${side}Toe`], joints[`${side}Ankle`]];
  const sole: readonly [Vec3, Vec3] = [
    up(between(heel, toe, 0.12), 0.6 * radius),
    up(between(heel, toe, 0.88), 0.5 * radius),
  ];
  const part = `${side}Foot` as const;
  return [
    {
      part,
      solid: limb([ankle, up(between(heel, toe, 0.7), radius)], [radius, 0.75 * radius], frame, look.shoes),
    },
    {part, solid: limb([sole[0], sole[1]], [radius, 0.9 * radius], frame, look.shoes)},
    {part, solid: limb(sole, [0.8 * radius, 0.7 * radius], frame, plain([200, 200, 198]), [1.35, 0.6])},
  ];
}

/** A cone about each thigh and one between them; they end above the knees. */
function skirt(skeleton: Skeleton, look: Appearance): BodySolid[] {
  const {joints, frames, proportions} = skeleton;
  const thick = thickness(skeleton);
  const cone = (from: Vec3, to: Vec3, frame: Mat3, widen: number): BodySolid => ({
    part: 'skirt',
    solid: limb([from, to], [thick(0.056), thick(0.066)], frame, look.legs, [widen, 1]),
  });
  const sides = SIDES.map((side) => {
    const [hip, knee] = [joints[`${side}Hip`], joints[`${side}Knee`]];
    return cone(hip, between(hip, knee, 0.62), frames[`${side}Thigh`], 1);
  });
  const waist = add(joints.pelvis, apply(frames.pelvis, [0, 0.02 * proportions.height, 0]));
  const knees = between(joints.leftKnee, joints.rightKnee, 0.5);
  return [...sides, cone(waist, between(joints.pelvis, knees, 0.62), frames.pelvis, 1.35)];
}
