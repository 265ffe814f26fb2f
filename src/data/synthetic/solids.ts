/** @file What everything in the world is made of: tapered capsules and boxes, stretched and turned, with a material. */
import {cross, distance, fromColumns, type Mat3, normalise, scale, subtract, type Vec3} from './geometry.js';

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [number, number, number];

/** `hoops` run round the solid's axis, `stripes` along it, `checks` both ways. */
export type Pattern = 'plain' | 'hoops' | 'stripes' | 'checks';

export interface Material {
  readonly colour: Colour;
  readonly pattern: Pattern;
  /** The pattern's second colour. */
  readonly accent: Colour;
  /** Length of the pattern's period in metres. */
  readonly period: number;
}

/** The local frame is stretched: `axes` has a local unit vector's image in the world in each column. */
export interface Solid {
  /** A capsule from the local origin to (0, length, 0), of radius `start` there and `end` here; or the cube ±1. */
  readonly shape: {readonly start: number; readonly end: number; readonly length: number} | 'box';
  readonly origin: Vec3;
  readonly axes: Mat3;
  readonly material: Material;
}

export const plain = (colour: Colour): Material => ({colour, pattern: 'plain', accent: colour, period: 1});

/**
 * A tapered capsule between two points, with these radii in metres.
 * @param frame its x column says which way is the solid's own x
 * @param widen, deepen factors on the radii along x and z
 */
export function limb(
  [from, to]: readonly [Vec3, Vec3],
  [start, end]: readonly [number, number],
  frame: Mat3,
  material: Material,
  [widen, deepen]: readonly [number, number] = [1, 1],
): Solid {
  const reach = distance(from, to);
  const y = normalise(subtract(to, from));
  const z = normalise(cross([frame[0], frame[3], frame[6]], y));
  const x = cross(y, z);
  const axes = fromColumns(scale(x, widen), y, scale(z, deepen));
  // A taper steeper than the spheres themselves would leave no side.
  const taper = Math.max(-0.95 * reach, Math.min(0.95 * reach, start - end));
  return {shape: {start, end: start - taper, length: reach}, origin: from, axes, material};
}

/** @param radii along the frame's x, y and z, in metres */
export function ellipsoid(centre: Vec3, radii: Vec3, frame: Mat3, material: Material): Solid {
  return {shape: {start: 1, end: 1, length: 0}, origin: centre, axes: stretched(frame, radii), material};
}

/** @param halfSizes along the frame's x, y and z, in metres */
export function box(centre: Vec3, halfSizes: Vec3, frame: Mat3, material: Material): Solid {
  return {shape: 'box', origin: centre, axes: stretched(frame, halfSizes), material};
}

function stretched(m: Mat3, [x, y, z]: Vec3): Mat3 {
  return [m[0] * x, m[1] * y, m[2] * z, m[3] * x, m[4] * y, m[5] * z, m[6] * x, m[7] * y, m[8] * z];
}
