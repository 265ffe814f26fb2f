/** @file Draws a scene: picture, depth, who is where, and each person's whole silhouette. */
import {paintBackdrop, type Shadow} from './backdrop.js';
import {bodySolids} from './body.js';
import type {Part} from './parts.js';
import type {ScenePerson} from './person.js';
import {type Canvas, drawSolid, makeCanvas} from './raster.js';
import type {Scene} from './scene.js';

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
  const owners: (SurfaceOwner | null)[] = [null, null];
  for (const solid of [...scene.objects, ...scene.people.flatMap(({seat}) => seat)]) {
    drawSolid(canvas, camera, light, solid, 1);
  }
  const silhouettes = scene.people.map((person, index) => {
    canvas.coverage.fill(0);
    for (const {part, solid} of bodySolids(person.skeleton, person.appearance)) {
      drawSolid(canvas, camera, light, solid, owners.push({person: index, part}) - 1);
    }
    return silhouette(canvas);
  });
  paintBackdrop(canvas, camera, scene.backdrop, scene.people.map(shadowOf));
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

/** On the ground below the pelvis and the feet. */
function shadowOf({skeleton}: ScenePerson): Shadow {
  const {leftAnkle, rightAnkle, pelvis} = skeleton.joints;
  return {
    x: (leftAnkle[0] + rightAnkle[0] + pelvis[0]) / 3,
    z: (leftAnkle[2] + rightAnkle[2] + pelvis[2]) / 3,
    radius: 0.24 * skeleton.proportions.height,
  };
}
