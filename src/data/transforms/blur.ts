/** @file Blur by means and by medians of a square, as Albumentations' Blur and MedianBlur in RTMPose's recipes. */
import type {RandomStream} from '../../random.js';
import type {RgbImage} from './warp.js';

/** The side of the square: 3, 5 … `largest`; 1, which changes nothing, without the probability. */
export function drawKernel(probability: number, largest: number, random: RandomStream): number {
  return random.chance(probability) ? 3 + 2 * random.integer((largest - 1) / 2) : 1;
}

/** The mean of a square of `side` around each pixel, in place; mirrored at the border without repeating it (OpenCV). */
export function boxBlur({data, width, height}: RgbImage, side: number): void {
  const radius = (side - 1) / 2;
  const sums = new Float64Array(data.length);
  blurLines(data, sums, {lines: height, lineStep: 3 * width, length: width, step: 3}, radius);
  const total = new Float64Array(data.length);
  blurLines(sums, total, {lines: width, lineStep: 3, length: height, step: 3 * width}, radius);
  const area = side * side;
  for (let i = 0; i < data.length; i++) data[i] = Math.floor(total[i] / area + 0.5);
}

interface Lines {
  readonly lines: number;
  readonly lineStep: number;
  readonly length: number;
  readonly step: number;
}

/** Sums of 2 · radius + 1 neighbours along lines, for each of the three channels. */
function blurLines(
  source: ArrayLike<number>,
  target: Float64Array,
  {lines, lineStep, length, step}: Lines,
  radius: number,
): void {
  for (let line = 0; line < lines; line++) {
    for (let channel = 0; channel < 3; channel++) {
      const start = line * lineStep + channel;
      const at = (position: number) => source[start + mirrored(position, length) * step];
      let sum = 0;
      for (let position = -radius; position <= radius; position++) sum += at(position);
      for (let position = 0; position < length; position++) {
        target[start + position * step] = sum;
        sum += at(position + radius + 1) - at(position - radius);
      }
    }
  }
}

/** BORDER_REFLECT_101: … 2 1 | 0 1 2 … */
function mirrored(position: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((position % period) + period) % period;
  return within < length ? within : period - within;
}

/** The median of a square of `side` around each pixel, in place; the border's pixels go on outside (OpenCV). */
export function medianBlur({data, width, height}: RgbImage, side: number): void {
  const radius = (side - 1) / 2;
  const source = data.slice();
  const rank = (side * side) >> 1;
  const counts = new Int32Array(256);
  for (let y = 0; y < height; y++) {
    const rows = Array.from({length: side}, (_, i) => clamp(y - radius + i, height) * width);
    for (let channel = 0; channel < 3; channel++) {
      const column = (x: number, change: number) => {
        const offset = 3 * clamp(x, width) + channel;
        for (const row of rows) counts[source[3 * row + offset]] += change;
      };
      counts.fill(0);
      for (let x = -radius; x <= radius; x++) column(x, 1);
      for (let x = 0; x < width; x++) {
        data[3 * (y * width + x) + channel] = levelOfRank(counts, rank);
        column(x - radius, -1);
        column(x + radius + 1, 1);
      }
    }
  }
}

/** The level below which at most `rank` of the counted ones lie. */
function levelOfRank(counts: Int32Array, rank: number): number {
  let level = 0;
  for (let seen = counts[0]; seen <= rank; seen += counts[level]) level++;
  return level;
}

function clamp(position: number, length: number): number {
  return Math.min(length - 1, Math.max(0, position));
}
