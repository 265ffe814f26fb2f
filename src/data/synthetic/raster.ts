/** @file A software rasteriser with a z-buffer: solids are met by one ray a pixel, in their own frames. */
import {type Camera, toCamera} from './camera.js';
import {apply, inverse, type Mat3, multiply, transpose, type Vec3} from './geometry.js';
import {type Capsule, capsule, hitBox, hitCapsule} from './intersect.js';
import type {Material, Solid} from './solids.js';

/** A light far away, and what reaches every surface from everywhere, as fractions of the surface's colour. */
export interface Light {
  /** Towards the light, in the world. */
  readonly direction: Vec3;
  readonly ambient: number;
  readonly diffuse: number;
}

/** The picture under way, [height × width]. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** [height × width × 3], 0 to 255. */
  readonly rgb: Float32Array;
  /** Metres; Infinity where only the backdrop is. */
  readonly depth: Float32Array;
  /** The number that `drawSolid` was given for the surface in front; 0 is the backdrop. */
  readonly surface: Uint16Array;
  /** 1 wherever a solid lies, hidden or not, since the last `fill(0)`. */
  readonly coverage: Uint8Array;
}

export function makeCanvas(width: number, height: number): Canvas {
  const pixels = width * height;
  return {
    width,
    height,
    rgb: new Float32Array(3 * pixels),
    depth: new Float32Array(pixels).fill(Number.POSITIVE_INFINITY),
    surface: new Uint16Array(pixels),
    coverage: new Uint8Array(pixels),
  };
}

/** Nothing nearer than this is drawn, in metres. */
const NEAR = 0.15;

/** Draws a solid where it is in front of what has been drawn. */
export function drawSolid(canvas: Canvas, camera: Camera, light: Light, solid: Solid, surface: number): void {
  const axes = multiply(camera.rotation, solid.axes);
  const origin = toCamera(camera, solid.origin);
  const window = pixelWindow(camera, solid, origin, axes);
  if (!window) return;
  const [left, top, right, bottom] = window;
  const toLocal = inverse(axes);
  const [ox, oy, oz] = apply(toLocal, [-origin[0], -origin[1], -origin[2]]);
  const form = solid.shape === 'box' ? null : capsule(solid.shape.start, solid.shape.end, solid.shape.length);
  const shade = shader(solid.material, form, axes, toLocal, apply(camera.rotation, light.direction), light);
  const {depth, coverage, surface: surfaces, rgb, width} = canvas;
  for (let row = top; row < bottom; row++) {
    const v = (row + 0.5 - camera.height / 2) / camera.focal;
    for (let col = left; col < right; col++) {
      const u = (col + 0.5 - camera.width / 2) / camera.focal;
      const dx = toLocal[0] * u + toLocal[1] * v + toLocal[2];
      const dy = toLocal[3] * u + toLocal[4] * v + toLocal[5];
      const dz = toLocal[6] * u + toLocal[7] * v + toLocal[8];
      // The ray's depth component is 1, so its parameter is the depth.
      const t = form ? hitCapsule(form, ox, oy, oz, dx, dy, dz) : hitBox(ox, oy, oz, dx, dy, dz);
      if (!(t > NEAR && t < 1e6)) continue;
      const pixel = row * width + col;
      coverage[pixel] = 1;
      if (t >= depth[pixel]) continue;
      depth[pixel] = t;
      surfaces[pixel] = surface;
      shade(rgb, 3 * pixel, ox + t * dx, oy + t * dy, oz + t * dz);
    }
  }
}

/** Columns and rows [left, top, right, bottom) that the solid can reach, or null if it is out of sight. */
function pixelWindow(
  {width, height, focal}: Camera,
  {shape}: Solid,
  origin: Vec3,
  axes: Mat3,
): readonly [number, number, number, number] | null {
  const [low, high]: [number[], number[]] = [[], []];
  for (let i = 0; i < 3; i++) {
    const [x, y, z] = axes.slice(3 * i, 3 * i + 3);
    const reach = shape === 'box' ? Math.abs(x) + Math.abs(y) + Math.abs(z) : Math.hypot(x, y, z);
    const far = shape === 'box' ? origin[i] : origin[i] + y * shape.length;
    const [near, end] = shape === 'box' ? [reach, reach] : [reach * shape.start, reach * shape.end];
    low.push(Math.min(origin[i] - near, far - end));
    high.push(Math.max(origin[i] + near, far + end));
  }
  if (high[2] <= NEAR) return null;
  const nearest = Math.max(NEAR, low[2]);
  const least = (at: number) => at / (at < 0 ? nearest : high[2]);
  const most = (at: number) => at / (at > 0 ? nearest : high[2]);
  const left = Math.max(0, Math.floor(width / 2 + focal * least(low[0])));
  const top = Math.max(0, Math.floor(height / 2 + focal * least(low[1])));
  const right = Math.min(width, Math.ceil(width / 2 + focal * most(high[0])));
  const bottom = Math.min(height, Math.ceil(height / 2 + focal * most(high[1])));
  return left < right && top < bottom ? [left, top, right, bottom] : null;
}

type Shader = (rgb: Float32Array, at: number, x: number, y: number, z: number) => void;

/** Lambert's law; the surface's normal and pattern follow from the local point alone. */
function shader(
  material: Material,
  form: Capsule | null,
  axes: Mat3,
  toLocal: Mat3,
  towardsLight: Vec3,
  light: Light,
): Shader {
  // The transposed inverse carries normals from the local frame to the camera's.
  const n = transpose(toLocal);
  const [lightX, lightY, lightZ] = towardsLight;
  const widthOfX = Math.hypot(axes[0], axes[3], axes[6]);
  const widthOfY = Math.hypot(axes[1], axes[4], axes[7]);
  const local = {x: 0, y: 0, z: 0};
  return (rgb, at, x, y, z) => {
    if (form) capsuleNormal(form, x, y, z, local);
    else boxNormal(x, y, z, local);
    const nx = n[0] * local.x + n[1] * local.y + n[2] * local.z;
    const ny = n[3] * local.x + n[4] * local.y + n[5] * local.z;
    const nz = n[6] * local.x + n[7] * local.y + n[8] * local.z;
    const unit = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz);
    const facing = (nx * lightX + ny * lightY + nz * lightZ) * unit;
    // Surfaces that face the viewer are a little brighter: it rounds off what the light does not reach.
    const brightness = light.ambient * (0.8 - 0.3 * nz * unit) + light.diffuse * Math.max(0, facing);
    const colour = hasAccent(material, x * widthOfX, y * widthOfY) ? material.accent : material.colour;
    rgb[at] = Math.min(255, colour[0] * brightness);
    rgb[at + 1] = Math.min(255, colour[1] * brightness);
    rgb[at + 2] = Math.min(255, colour[2] * brightness);
  };
}

function hasAccent({pattern, period}: Material, x: number, y: number): boolean {
  if (pattern === 'plain') return false;
  const along = y / period - Math.floor(y / period) < 0.5;
  const across = x / period - Math.floor(x / period) < 0.5;
  if (pattern === 'hoops') return along;
  return pattern === 'stripes' ? across : along !== across;
}

/** Written in place: an object for every pixel would cost more than the arithmetic. */
interface Normal {
  x: number;
  y: number;
  z: number;
}

function capsuleNormal(form: Capsule, x: number, y: number, z: number, normal: Normal): void {
  const {start, end, length, sine, cosine} = form;
  normal.x = x;
  normal.z = z;
  if (length === 0 || y <= start * sine) {
    normal.y = y;
  } else if (y >= length + end * sine) {
    normal.y = y - length;
  } else {
    const radius = Math.sqrt(x * x + z * z) || 1;
    normal.x = (cosine * x) / radius;
    normal.y = sine;
    normal.z = (cosine * z) / radius;
  }
}

function boxNormal(x: number, y: number, z: number, normal: Normal): void {
  const largest = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
  normal.x = Math.abs(x) === largest ? x : 0;
  normal.y = Math.abs(y) === largest ? y : 0;
  normal.z = Math.abs(z) === largest ? z : 0;
}
