/** @file What a lens and a sensor add to a rendered picture. */
import type {RandomStream} from '../../random.js';
import type {Canvas} from './raster.js';

/** The noise repeats after so many pixels: a prime, lest rows line up. A draw for every pixel would take longer. */
const NOISE_LENGTH = 8191;

/** Some blur, exposure, colour cast and noise. @returns [height × width × 3] */
export function photograph({rgb, width, height}: Canvas, random: RandomStream): Uint8Array {
  const side = random.uniform(0.1, 0.24);
  const blurred = blurDown(blurAcross(rgb, width, height, side), width, height, side);
  const exposure = random.uniform(0.85, 1.12);
  const [red, green, blue] = [0, 1, 2].map(() => exposure * random.uniform(0.95, 1.05));
  const amplitude = random.uniform(1, 7);
  const noise = Float32Array.from({length: NOISE_LENGTH}, () => amplitude * random.uniform(-1, 1));
  const bytes = new Uint8ClampedArray(rgb.length);
  for (let i = 0, k = 0; i < rgb.length; i += 3, k++) {
    const grain = noise[k % NOISE_LENGTH];
    bytes[i] = blurred[i] * red + grain;
    bytes[i + 1] = blurred[i + 1] * green + grain;
    bytes[i + 2] = blurred[i + 2] * blue + grain;
  }
  return new Uint8Array(bytes.buffer);
}

/** Three taps along each row, of weights (side, 1 − 2 side, side); the first and last columns stay. */
function blurAcross(rgb: Float32Array, width: number, height: number, side: number): Float32Array {
  const result = Float32Array.from(rgb);
  const row = 3 * width;
  for (let y = 0; y < height; y++) {
    for (let i = y * row + 3; i < (y + 1) * row - 3; i++) {
      result[i] += side * (rgb[i - 3] + rgb[i + 3] - 2 * rgb[i]);
    }
  }
  return result;
}

/** The same along each column. */
function blurDown(rgb: Float32Array, width: number, height: number, side: number): Float32Array {
  const result = Float32Array.from(rgb);
  const row = 3 * width;
  for (let i = row; i < row * (height - 1); i++) {
    result[i] += side * (rgb[i - row] + rgb[i + row] - 2 * rgb[i]);
  }
  return result;
}
