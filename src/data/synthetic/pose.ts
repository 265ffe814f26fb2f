/**
 * @file A pose as joint angles in degrees, and the limits of each joint.
 * The shoulder follows the globe system of Wu et al. 2005 (ISB): plane of elevation, elevation, axial rotation.
 */

/** Limits in degrees of the angles that exist once. */
export const BODY_LIMITS = {
  /** Of the pelvis: forward and to the person's left. */
  lean: [-20, 75],
  roll: [-20, 20],
  spineFlexion: [-20, 65],
  spineSide: [-25, 25],
  spineTwist: [-35, 35],
  neckFlexion: [-30, 40],
  neckSide: [-25, 25],
  neckTwist: [-65, 65],
} as const satisfies Record<string, readonly [number, number]>;

/** Limits in degrees of the angles of an arm and a leg; the same numbers mirror the pose. */
export const LIMB_LIMITS = {
  /** 0 raises the arm forwards, 90 sideways, more than 90 backwards. */
  shoulderPlane: [-30, 130],
  /** 0 hangs, 90 is horizontal, 180 overhead. */
  shoulderElevation: [0, 172],
  /** Of the upper arm about itself, inwards. */
  shoulderRotation: [-85, 80],
  elbowFlexion: [0, 145],
  hipFlexion: [-30, 120],
  hipAbduction: [-15, 50],
  /** Of the thigh about itself, outwards. */
  hipRotation: [-25, 45],
  kneeFlexion: [0, 140],
  /** Toes down. */
  ankleFlexion: [-25, 45],
} as const satisfies Record<string, readonly [number, number]>;

export type BodyAngles = Record<keyof typeof BODY_LIMITS, number>;
export type LimbAngles = Record<keyof typeof LIMB_LIMITS, number>;

export interface Pose {
  readonly body: BodyAngles;
  readonly left: LimbAngles;
  readonly right: LimbAngles;
  /** Height of the lowest foot above the ground, in metres. */
  readonly lift: number;
  /** Whether the person rests on a seat. */
  readonly seated: boolean;
}

/** The nearest pose within the limits. */
export function withinLimits(pose: Pose): Pose {
  return {
    ...pose,
    body: clamped(pose.body, BODY_LIMITS),
    left: clamped(pose.left, LIMB_LIMITS),
    right: clamped(pose.right, LIMB_LIMITS),
  };
}

function clamped<Angles extends Record<string, number>>(
  angles: Angles,
  limits: Record<keyof Angles, readonly [number, number]>,
): Angles {
  const entries = Object.entries(angles).map(([name, angle]) => {
    const [low, high] = limits[name];
    return [name, Math.min(high, Math.max(low, angle))];
  });
  return Object.fromEntries(entries) as Angles;
}
