/** @file A pinhole camera: from the world's metres to the picture's pixels. */
import {apply, type Mat3, multiply, rotationX, rotationZ, subtract, type Vec3} from './geometry.js';

/** Camera space has x to the right, y down and z, the depth, into the picture. */
export interface Camera {
  readonly width: number;
  readonly height: number;
  /** Focal length in pixels. */
  readonly focal: number;
  readonly position: Vec3;
  /** From world directions to camera directions. */
  readonly rotation: Mat3;
}

/**
 * A camera at (0, eyeHeight, 0) that looks along −z.
 * @param pitch downwards, in degrees
 * @param roll clockwise, in degrees
 */
export function makeCamera(
  [width, height]: readonly [number, number],
  focal: number,
  eyeHeight: number,
  pitch: number,
  roll: number,
): Camera {
  const lookAlongMinusZ: Mat3 = [1, 0, 0, 0, -1, 0, 0, 0, -1];
  const rotation = multiply(rotationZ(-roll), lookAlongMinusZ, rotationX(pitch));
  return {width, height, focal, position: [0, eyeHeight, 0], rotation};
}

export const toCamera = (camera: Camera, point: Vec3): Vec3 =>
  apply(camera.rotation, subtract(point, camera.position));

/** Pixel coordinates x and y of a point in the world, and its depth in metres (not positive: behind the camera). */
export function project(camera: Camera, point: Vec3): Vec3 {
  const [x, y, depth] = toCamera(camera, point);
  const zoom = camera.focal / depth;
  return [camera.width / 2 + x * zoom, camera.height / 2 + y * zoom, depth];
}
