/** @file Cuts the network's input out of an image: an affine warp with bilinear sampling, normalised on the way. */
import type {Affine} from './affine.js';

/** Interleaved RGB, row by row: [height, width, 3]. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** ImageNet's statistics of RGB in [0, 1], with which every published backbone was trained. */
const MEAN = [0.485, 0.456, 0.406] as const;
const STANDARD_DEVIATION = [0.229, 0.224, 0.225] as const;

const [GAIN_R, GAIN_G, GAIN_B] = STANDARD_DEVIATION.map((deviation) => 1 / (255 * deviation));
const [BLACK_R, BLACK_G, BLACK_B] = MEAN.map((mean, i) => -mean / STANDARD_DEVIATION[i]);

/**
 * Fills an input with the image seen through `toImage`: bilinear between pixels, black outside the image (OpenCV's
 * `warpAffine` with INTER_LINEAR and a constant border of 0), then normalised by ImageNet's mean and deviation.
 * @param toImage from input pixels to image pixels
 * @param size [height, width] of the input
 * @param output [height, width, 3] begins at `offset`
 */
export function warpNormalised(
  image: RgbImage,
  toImage: Affine,
  [height, width]: readonly [number, number],
  output: Float32Array,
  offset = 0,
): void {
  const [a, b, c, d, e, f] = toImage;
  const {data} = image;
  const stride = 3 * image.width;
  const lastX = image.width - 1;
  const lastY = image.height - 1;
  let at = offset;
  for (let row = 0; row < height; row++) {
    let x = b * row + c;
    let y = e * row + f;
    for (let column = 0; column < width; column++) {
      if (x >= 0 && y >= 0 && x < lastX && y < lastY) {
        const left = x | 0;
        const top = y | 0;
        const fx = x - left;
        const fy = y - top;
        const weight11 = fx * fy;
        const weight10 = fy - weight11;
        const weight01 = fx - weight11;
        const weight00 = 1 - fx - weight10;
        const i = top * stride + 3 * left;
        const j = i + stride;
        output[at] =
          GAIN_R *
            (weight00 * data[i] + weight01 * data[i + 3] + weight10 * data[j] + weight11 * data[j + 3]) +
          BLACK_R;
        output[at + 1] =
          GAIN_G *
            (weight00 * data[i + 1] +
              weight01 * data[i + 4] +
              weight10 * data[j + 1] +
              weight11 * data[j + 4]) +
          BLACK_G;
        output[at + 2] =
          GAIN_B *
            (weight00 * data[i + 2] +
              weight01 * data[i + 5] +
              weight10 * data[j + 2] +
              weight11 * data[j + 5]) +
          BLACK_B;
      } else {
        sampleAtEdge(image, x, y, output, at);
      }
      at += 3;
      x += a;
      y += d;
    }
  }
}

/** The slow path for points that have at least one neighbour outside the image; such neighbours are black. */
function sampleAtEdge(image: RgbImage, x: number, y: number, output: Float32Array, at: number): void {
  output[at] = BLACK_R;
  output[at + 1] = BLACK_G;
  output[at + 2] = BLACK_B;
  if (x <= -1 || y <= -1 || x >= image.width || y >= image.height) return;
  const left = Math.floor(x);
  const top = Math.floor(y);
  for (let row = Math.max(0, top); row <= Math.min(top + 1, image.height - 1); row++) {
    for (let column = Math.max(0, left); column <= Math.min(left + 1, image.width - 1); column++) {
      const weight = (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
      const i = 3 * (row * image.width + column);
      output[at] += GAIN_R * weight * image.data[i];
      output[at + 1] += GAIN_G * weight * image.data[i + 1];
      output[at + 2] += GAIN_B * weight * image.data[i + 2];
    }
  }
}

/** The 8-bit RGB pixels behind a normalised input [height, width, 3], for people to look at. */
export function denormalised(input: Float32Array): Uint8Array {
  const pixels = new Uint8ClampedArray(input.length);
  for (let i = 0; i < input.length; i++) {
    pixels[i] = (input[i] * STANDARD_DEVIATION[i % 3] + MEAN[i % 3]) * 255;
  }
  return new Uint8Array(pixels.buffer);
}
