/** @file Draws a scene: picture, depth, who is where, and each person's whole silhouette. */
import type {RandomStream} from '../../random.js';
import {paintBackdrop} from './backdrop.js';
import {bodySolids} from './body.js';
import {toCamera} from './camera.js';
import {apply, transpose, type Vec3} from './geometry.js';
import type {Part} from './parts.js';
import {type Canvas, drawSolid, makeCanvas} from './raster.js';
import type {Scene, ScenePerson} from './scene.js';

/** The pixels of a person in the frame, as if nothing stood before them. */
export interface Silhouette {
  /** Number of pixels; 0 if the person is out of the frame. */
  readonly area: number;
  /** x, y, width and height in whole pixels. */
  readonly box: readonly [number, number, number, number];
}

export interface Rendering {
  readonly canvas: Canvas;
  /** One for each person of the scene. */
  readonly silhouettes: readonly Silhouette[];
  /** Whose surface, and which part, `canvas.surface` names; null for the backdrop and for objects. */
  readonly owners: readonly (SurfaceOwner | null)[];
}

export interface SurfaceOwner {
  readonly person: number;
  readonly part: Part;
}

export function renderScene(scene: Scene): Rendering {
  const {camera, light} = scene;
  const canvas = makeCanvas(camera.width, camera.height);
  paintBackdrop(canvas, camera, scene.backdrop);
  const owners: (SurfaceOwner | null)[] = [null, null];
  for (const solid of [...scene.objects, ...scene.people.flatMap(({seat}) => seat)]) {
    drawSolid(canvas, camera, light, solid, 1);
  }
  const silhouettes = scene.people.map((person, index) => {
    castShadow(canvas, scene, person);
    canvas.coverage.fill(0);
    for (const {part, solid} of bodySolids(person.skeleton, person.appearance)) {
      drawSolid(canvas, camera, light, solid, owners.push({person: index, part}) - 1);
    }
    return silhouette(canvas);
  });
  return {canvas, silhouettes, owners};
}

function silhouette({coverage, width, height}: Canvas): Silhouette {
  let [area, left, top, right, bottom] = [0, width, height, -1, -1];
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      if (coverage[row * width + col] === 0) continue;
      area++;
      left = Math.min(left, col);
      right = Math.max(right, col);
      top = Math.min(top, row);
      bottom = row;
    }
  }
  return {area, box: area > 0 ? [left, top, right + 1 - left, bottom + 1 - top] : [0, 0, 0, 0]};
}

/** Darkens the ground softly around the feet. */
function castShadow(canvas: Canvas, {camera}: Scene, {skeleton}: ScenePerson): void {
  const {leftAnkle, rightAnkle, pelvis} = skeleton.joints;
  const toWorld = transpose(camera.rotation);
  const [x, z] = [0, 2].map((i) => (leftAnkle[i] + rightAnkle[i] + pelvis[i]) / 3);
  const radius = 0.24 * skeleton.proportions.height;
  const window = groundWindow(canvas, camera.focal, toCamera(camera, [x, 0, z]), 2.2 * radius);
  for (let row = window.top; row < window.bottom; row++) {
    for (let col = window.left; col < window.right; col++) {
      const pixel = row * canvas.width + col;
      if (canvas.surface[pixel] !== 0) continue;
      const u = (col + 0.5 - canvas.width / 2) / camera.focal;
      const v = (row + 0.5 - canvas.height / 2) / camera.focal;
      const [dx, dy, dz] = apply(toWorld, [u, v, 1]);
      if (dy >= 0) continue;
      const t = -camera.position[1] / dy;
      const square = ((dx * t - x) ** 2 + (dz * t - z) ** 2) / (radius * radius);
      const brightness = 1 - 0.45 * Math.exp(-1.5 * square);
      for (let c = 0; c < 3; c++) canvas.rgb[3 * pixel + c] *= brightness;
    }
  }
}

function groundWindow({width, height}: Canvas, focal: number, [x, y, depth]: Vec3, reach: number) {
  const [col, row] = [width / 2 + (focal * x) / depth, height / 2 + (focal * y) / depth];
  const pixels = (focal * reach) / Math.max(0.3, depth - reach);
  return {
    left: Math.max(0, Math.floor(col - pixels)),
    right: Math.min(width, Math.ceil(col + pixels)),
    top: Math.max(0, Math.floor(row - pixels)),
    bottom: Math.min(height, Math.ceil(row + pixels)),
  };
}

/** What a lens and a sensor add: some blur, exposure, colour cast and noise. @returns [height × width × 3] */
export function photograph({rgb, width, height}: Canvas, random: RandomStream): Uint8Array {
  const side = random.uniform(0.08, 0.22);
  const blurred = blur(rgb, width, height, side);
  const exposure = random.uniform(0.85, 1.12);
  const gains = [0, 1, 2].map(() => exposure * random.uniform(0.95, 1.05));
  const amplitude = random.uniform(1, 7);
  const bytes = new Uint8ClampedArray(rgb.length);
  for (let i = 0; i < rgb.length; i += 3) {
    const noise = amplitude * random.uniform(-1, 1);
    for (let c = 0; c < 3; c++) bytes[i + c] = blurred[i + c] * gains[c] + noise;
  }
  return new Uint8Array(bytes.buffer);
}

/** Three taps along x and then y, of weights (side, 1 − 2 side, side). */
function blur(rgb: Float32Array, width: number, height: number, side: number): Float32Array {
  const pass = (source: Float32Array, step: number, isEdge: (i: number) => boolean) => {
    const result = Float32Array.from(source);
    for (let i = 0; i < source.length; i++) {
      if (!isEdge(i)) result[i] += side * (source[i - step] + source[i + step] - 2 * source[i]);
    }
    return result;
  };
  const row = 3 * width;
  const across = pass(rgb, 3, (i) => i % row < 3 || i % row >= row - 3);
  return pass(across, row, (i) => i < row || i >= row * (height - 1));
}
