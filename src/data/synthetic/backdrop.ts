/** @file What lies behind everything: ground with a wall or a sky. */
import type {RandomStream} from '../../random.js';
import {anyColour, fromHue, mixed} from './appearance.js';
import type {Camera} from './camera.js';
import type {Canvas} from './raster.js';
import type {Colour} from './solids.js';

type Texture = 'plain' | 'bricks' | 'planks' | 'tiles';

interface Surface {
  readonly texture: Texture;
  readonly colour: Colour;
  readonly accent: Colour;
  /** Size of a brick, plank or tile in metres. */
  readonly size: number;
  /** Strength of the mottling; 0 is none. */
  readonly roughness: number;
}

export interface Backdrop {
  readonly ground: Surface;
  /** Distance of the wall in metres, or null under an open sky. */
  readonly wallDistance: number | null;
  readonly wall: Surface;
  readonly sky: readonly [horizon: Colour, zenith: Colour];
  /** Distant hills or trees along the horizon. */
  readonly hills: Colour;
  /** [NOISE_SIZE × NOISE_SIZE], −1 to 1. */
  readonly noise: Float32Array;
}

const NOISE_SIZE = 64;

/** @param farthest distance of the farthest thing that must stand before the wall, in metres */
export function sampleBackdrop(random: RandomStream, farthest: number): Backdrop {
  const indoors = random.chance(0.55);
  const grass = !indoors && random.chance(0.55);
  const groundColour = grass
    ? fromHue(random.uniform(0.17, 0.33), random.uniform(0.25, 0.6), random.uniform(90, 170))
    : fromHue(random.uniform(0.04, 0.16), random.uniform(0, 0.45), random.uniform(80, 215));
  const haze = random.uniform(0, 0.7);
  return {
    ground: surface(
      random,
      groundColour,
      grass ? 'plain' : random.pick<Texture>(['plain', 'planks', 'tiles']),
    ),
    wallDistance: indoors ? farthest + random.uniform(0.6, 3) : null,
    wall: surface(
      random,
      anyColour(random),
      random.pick<Texture>(['plain', 'plain', 'bricks', 'planks', 'tiles']),
    ),
    sky: [
      mixed([225, 232, 238], [250, 205, 160], random.uniform(0, 0.6)),
      mixed([110, 160, 225], [190, 195, 205], haze),
    ],
    hills: fromHue(random.uniform(0.2, 0.6), random.uniform(0.1, 0.4), random.uniform(70, 150)),
    noise: Float32Array.from({length: NOISE_SIZE * NOISE_SIZE}, () => random.uniform(-1, 1)),
  };
}

function surface(random: RandomStream, colour: Colour, texture: Texture): Surface {
  return {
    texture,
    colour,
    accent: mixed(colour, random.chance(0.5) ? [20, 20, 20] : [235, 235, 235], random.uniform(0.1, 0.35)),
    size: random.uniform(0.14, 0.5),
    roughness: random.uniform(0.02, 0.13),
  };
}

/** A soft round shadow on the ground; metres. */
export interface Shadow {
  readonly x: number;
  readonly z: number;
  readonly radius: number;
}

/** Fills what no solid covers. */
export function paintBackdrop(
  canvas: Canvas,
  camera: Camera,
  backdrop: Backdrop,
  shadows: readonly Shadow[],
): void {
  const m = camera.rotation;
  const {rgb, surface, width, height} = canvas;
  for (let row = 0; row < height; row++) {
    const v = (row + 0.5 - height / 2) / camera.focal;
    for (let col = 0; col < width; col++) {
      const pixel = row * width + col;
      if (surface[pixel] !== 0) continue;
      const u = (col + 0.5 - width / 2) / camera.focal;
      // The ray (u, v, 1), turned back into the world.
      const x = m[0] * u + m[3] * v + m[6];
      const y = m[1] * u + m[4] * v + m[7];
      const z = m[2] * u + m[5] * v + m[8];
      paintRay(rgb, 3 * pixel, backdrop, shadows, camera.position[1], x, y, z);
    }
  }
}

/** @param x, y, z the ray's direction in the world */
function paintRay(
  rgb: Float32Array,
  at: number,
  backdrop: Backdrop,
  shadows: readonly Shadow[],
  eyeHeight: number,
  x: number,
  y: number,
  z: number,
): void {
  const {ground, wall, wallDistance, noise} = backdrop;
  const toGround = y < 0 ? -eyeHeight / y : Number.POSITIVE_INFINITY;
  const toWall = wallDistance !== null && z < 0 ? -wallDistance / z : Number.POSITIVE_INFINITY;
  if (toGround < toWall) {
    const light = lightAt(shadows, x * toGround, z * toGround);
    paintSurface(rgb, at, ground, noise, x * toGround, -z * toGround, toGround, light);
  } else if (toWall < Number.POSITIVE_INFINITY) {
    paintSurface(rgb, at, wall, noise, x * toWall, eyeHeight + y * toWall, toWall, 1);
  } else {
    paintSky(rgb, at, backdrop, x / -z, y / -z);
  }
}

/** The share of the light that the shadows leave at a point of the ground. */
function lightAt(shadows: readonly Shadow[], x: number, z: number): number {
  let light = 1;
  for (const shadow of shadows) {
    const square = ((x - shadow.x) ** 2 + (z - shadow.z) ** 2) / (shadow.radius * shadow.radius);
    if (square < 4) light *= 1 - 0.45 * Math.exp(-1.5 * square);
  }
  return light;
}

function paintSurface(
  rgb: Float32Array,
  at: number,
  {texture, colour, accent, size, roughness}: Surface,
  noise: Float32Array,
  x: number,
  y: number,
  range: number,
  light: number,
): void {
  // Far joints and grain are finer than a pixel: they fade away.
  const fade = Math.min(1, 6 / range);
  const accented = isAccent(texture, x / size, y / size) ? fade : 0;
  const grain = noiseAt(noise, x * 9, y * 9) * fade + noiseAt(noise, x * 1.7 + 31, y * 1.7);
  const brightness = light * (1 + roughness * grain);
  rgb[at] = Math.min(255, (colour[0] + (accent[0] - colour[0]) * accented) * brightness);
  rgb[at + 1] = Math.min(255, (colour[1] + (accent[1] - colour[1]) * accented) * brightness);
  rgb[at + 2] = Math.min(255, (colour[2] + (accent[2] - colour[2]) * accented) * brightness);
}

/** Whether (x, y), in sizes of the pattern's element, lies on a joint. */
function isAccent(texture: Texture, x: number, y: number): boolean {
  if (texture === 'plain') return false;
  const row = Math.floor(y);
  if (texture === 'planks') return x - Math.floor(x) < 0.08;
  if (texture === 'tiles') return x - Math.floor(x) < 0.07 || y - row < 0.07;
  const shifted = x / 2 + (row % 2) / 2;
  return y - row < 0.12 || shifted - Math.floor(shifted) < 0.06;
}

function paintSky(rgb: Float32Array, at: number, {sky, hills, noise}: Backdrop, x: number, y: number): void {
  const ridge = 0.06 + 0.05 * noiseAt(noise, x * 3 + 7, 0.5) + 0.015 * noiseAt(noise, x * 25, 5);
  const height = Math.min(1, Math.max(0, y) * 1.6);
  const cloud = 0.08 * noiseAt(noise, x * 4, y * 9 + 40);
  for (let c = 0; c < 3; c++) {
    const value = sky[0][c] + (sky[1][c] - sky[0][c]) * height;
    rgb[at + c] = y < ridge ? hills[c] : Math.min(255, value * (1 + cloud));
  }
}

/** The tile of noise, repeated and interpolated. */
function noiseAt(noise: Float32Array, x: number, y: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = x - left;
  const mask = NOISE_SIZE - 1;
  const upper = (top & mask) * NOISE_SIZE;
  const lower = ((top + 1) & mask) * NOISE_SIZE;
  const a = left & mask;
  const b = (left + 1) & mask;
  const first = noise[upper + a] + (noise[upper + b] - noise[upper + a]) * fx;
  const second = noise[lower + a] + (noise[lower + b] - noise[lower + a]) * fx;
  return first + (second - first) * (y - top);
}
