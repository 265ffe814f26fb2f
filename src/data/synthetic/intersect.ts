/** @file Where a ray first meets a tapered capsule or the cube ±1; closed forms. */

export interface Capsule {
  readonly start: number;
  readonly end: number;
  readonly length: number;
  /** Sine and cosine of the angle between the side and the axis. */
  readonly sine: number;
  readonly cosine: number;
}

/** The capsule from the origin to (0, length, 0); it needs length > |start − end| or length 0. */
export function capsule(start: number, end: number, length: number): Capsule {
  const sine = length > 0 ? (start - end) / length : 0;
  return {start, end, length, sine, cosine: Math.sqrt(1 - sine * sine)};
}

/**
 * The ray's parameter at its first hit, or Infinity.
 * The side is part of the cone cosine² (x² + z²) = (start − sine y)², between the circles where it touches the spheres.
 */
export function hitCapsule(
  {start, end, length, sine, cosine}: Capsule,
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
): number {
  if (length > 0) {
    const cc = cosine * cosine;
    const radius = start - sine * oy;
    const a = cc * (dx * dx + dz * dz) - sine * sine * dy * dy;
    const b = cc * (ox * dx + oz * dz) + sine * radius * dy;
    const c = cc * (ox * ox + oz * oz) - radius * radius;
    const root = b * b - a * c;
    if (root >= 0 && a > 1e-12) {
      const t = (-b - Math.sqrt(root)) / a;
      const y = oy + t * dy;
      if (y > start * sine && y < length + end * sine) return t;
    }
  }
  const first = hitSphere(start, ox, oy, oz, dx, dy, dz);
  return length > 0 ? Math.min(first, hitSphere(end, ox, oy - length, oz, dx, dy, dz)) : first;
}

function hitSphere(
  radius: number,
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
): number {
  const a = dx * dx + dy * dy + dz * dz;
  const b = ox * dx + oy * dy + oz * dz;
  const root = b * b - a * (ox * ox + oy * oy + oz * oz - radius * radius);
  return root < 0 ? Number.POSITIVE_INFINITY : (-b - Math.sqrt(root)) / a;
}

/** The ray's parameter at its first hit of the cube ±1, or Infinity. */
export function hitBox(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): number {
  // The parameters at which the ray passes the two faces across each axis.
  const x1 = (-1 - ox) / dx;
  const x2 = (1 - ox) / dx;
  const y1 = (-1 - oy) / dy;
  const y2 = (1 - oy) / dy;
  const z1 = (-1 - oz) / dz;
  const z2 = (1 - oz) / dz;
  const enter = Math.max(Math.min(x1, x2), Math.min(y1, y2), Math.min(z1, z2));
  const leave = Math.min(Math.max(x1, x2), Math.max(y1, y2), Math.max(z1, z2));
  return enter <= leave ? enter : Number.POSITIVE_INFINITY;
}
