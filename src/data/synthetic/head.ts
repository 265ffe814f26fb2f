/** @file A person's head as solids: skull, face and hair. */
import type {Appearance} from './appearance.js';
import {add, apply, type Vec3} from './geometry.js';
import type {BodySolid, Part} from './parts.js';
import {FACE, type Skeleton} from './skeleton.js';
import {ellipsoid, type Material, plain, type Solid} from './solids.js';

/** Centre and radii in units of the head's radius, from its base; x to the left, y up, z to the front. */
type Blob = readonly [centre: Vec3, radii: Vec3];

const SKULL: Blob = [
  [0, 0.96, 0.1],
  [0.74, 0.98, 0.84],
];
const JAW: Blob = [
  [0, 0.46, 0.32],
  [0.52, 0.46, 0.5],
];
const NOSE: Blob = [
  [FACE.nose[0], FACE.nose[1] + 0.06, FACE.nose[2] - 0.12],
  [0.13, 0.2, 0.2],
];
const MOUTH: Blob = [
  [0, 0.36, 0.74],
  [0.22, 0.065, 0.13],
];
const [EYE_X, EYE_Y, EYE_Z] = FACE.eye;
const EYE: Blob = [
  [EYE_X, EYE_Y, EYE_Z - 0.02],
  [0.165, 0.12, 0.07],
];
const IRIS: Blob = [
  [EYE_X, EYE_Y, EYE_Z + 0.03],
  [0.085, 0.1, 0.045],
];
const BROW: Blob = [
  [EYE_X + 0.01, EYE_Y + 0.21, EYE_Z - 0.06],
  [0.2, 0.05, 0.1],
];
const EAR: Blob = [
  [FACE.ear[0] - 0.02, FACE.ear[1], FACE.ear[2]],
  [0.09, 0.21, 0.14],
];

const SHORT_HAIR: Blob = [
  [0, 1.14, -0.04],
  [0.79, 0.98, 0.87],
];
const LONG_HAIR: readonly Blob[] = [
  [
    [0, 1.12, -0.06],
    [0.88, 1.02, 0.88],
  ],
  [
    [0, 0.35, -0.42],
    [0.78, 0.95, 0.45],
  ],
];
const BUN: Blob = [
  [0, 1.75, -0.6],
  [0.36, 0.36, 0.36],
];
const CAP: Blob = [
  [0, 1.24, 0.02],
  [0.82, 0.9, 0.88],
];
const PEAK: Blob = [
  [0, 1.42, 0.85],
  [0.6, 0.09, 0.55],
];

export function headSolids(skeleton: Skeleton, look: Appearance): BodySolid[] {
  const shadedSkin = plain(look.skin.colour.map((channel) => channel * 0.9) as unknown as Vec3);
  const place = (part: Part, blob: Blob, material: Material): BodySolid => ({
    part,
    solid: placed(skeleton, blob, material),
  });
  const both = (blob: Blob, material: Material) => [
    place('head', blob, material),
    place('head', mirrored(blob), material),
  ];
  return [
    place('head', SKULL, look.skin),
    place('head', JAW, look.bearded ? look.hair : look.skin),
    place('head', NOSE, shadedSkin),
    place('head', MOUTH, look.lips),
    ...both(EYE, plain([246, 244, 240])),
    ...both(IRIS, look.iris),
    ...both(BROW, look.brow),
    ...both(EAR, shadedSkin),
    ...hair(look).map(([blob, material]) => place('hair', blob, material)),
  ];
}

function hair(look: Appearance): (readonly [Blob, Material])[] {
  switch (look.hairStyle) {
    case 'bald':
      return [];
    case 'short':
      return [[SHORT_HAIR, look.hair]];
    case 'bun':
      return [
        [SHORT_HAIR, look.hair],
        [BUN, look.hair],
      ];
    case 'long':
      return LONG_HAIR.map((blob) => [blob, look.hair]);
    case 'cap':
      return [
        [SHORT_HAIR, look.hair],
        [CAP, look.shoes],
        [PEAK, look.shoes],
      ];
  }
}

const mirrored = ([[x, y, z], radii]: Blob): Blob => [[-x, y, z], radii];

function placed({joints, frames, proportions}: Skeleton, [centre, radii]: Blob, material: Material): Solid {
  const unit = proportions.headRadius;
  const scaled = ([x, y, z]: Vec3): Vec3 => [x * unit, y * unit, z * unit];
  return ellipsoid(
    add(joints.headBase, apply(frames.head, scaled(centre))),
    scaled(radii),
    frames.head,
    material,
  );
}
