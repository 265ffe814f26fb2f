/** @file Vectors and 3x3 matrices of the synthetic world: metres, right-handed, y up. */

export type Vec3 = readonly [number, number, number];
/** Row-major. */
export type Mat3 = readonly [number, number, number, number, number, number, number, number, number];

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (a: Vec3, factor: number): Vec3 => [a[0] * factor, a[1] * factor, a[2] * factor];
export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const length = (a: Vec3): number => Math.sqrt(dot(a, a));
export const distance = (a: Vec3, b: Vec3): number => length(subtract(a, b));
export const normalise = (a: Vec3): Vec3 => scale(a, 1 / length(a));
/** The point at `fraction` of the way from a to b. */
export const between = (a: Vec3, b: Vec3, fraction: number): Vec3 => add(a, scale(subtract(b, a), fraction));

export const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

export const apply = (m: Mat3, v: Vec3): Vec3 => [
  m[0] * v[0] + m[1] * v[1] + m[2] * v[2],
  m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
  m[6] * v[0] + m[7] * v[1] + m[8] * v[2],
];

export const transpose = (m: Mat3): Mat3 => [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];

/** The matrix with these columns. */
export const fromColumns = (x: Vec3, y: Vec3, z: Vec3): Mat3 => [
  x[0],
  y[0],
  z[0],
  x[1],
  y[1],
  z[1],
  x[2],
  y[2],
  z[2],
];

export const column = (m: Mat3, i: 0 | 1 | 2): Vec3 => [m[i], m[i + 3], m[i + 6]];

/** The product of the matrices, from left to right. */
export function multiply(...matrices: readonly Mat3[]): Mat3 {
  return matrices.reduce((left, right) =>
    fromColumns(apply(left, column(right, 0)), apply(left, column(right, 1)), apply(left, column(right, 2))),
  );
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Rotation about x by an angle in degrees: y towards z. */
export function rotationX(degrees: number): Mat3 {
  const [c, s] = [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  return [1, 0, 0, 0, c, -s, 0, s, c];
}

/** Rotation about y by an angle in degrees: z towards x. */
export function rotationY(degrees: number): Mat3 {
  const [c, s] = [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  return [c, 0, s, 0, 1, 0, -s, 0, c];
}

/** Rotation about z by an angle in degrees: x towards y. */
export function rotationZ(degrees: number): Mat3 {
  const [c, s] = [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  return [c, -s, 0, s, c, 0, 0, 0, 1];
}

/** The inverse of a matrix that has one. */
export function inverse(m: Mat3): Mat3 {
  const [a, b, c, d, e, f, g, h, i] = m;
  const [p, q, r] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const n = 1 / (a * p + b * q + c * r);
  return [
    p * n,
    (c * h - b * i) * n,
    (b * f - c * e) * n,
    q * n,
    (a * i - c * g) * n,
    (c * d - a * f) * n,
    r * n,
    (b * g - a * h) * n,
    (a * e - b * d) * n,
  ];
}
