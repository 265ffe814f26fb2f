/**
 * @file Photometric distortion: brightness, contrast, saturation, hue and the order of the channels, as MMPose's
 * PhotometricDistortion draws and orders them. Its 8-bit HSV is done in numbers here, and rounded once at the end.
 */
import type {PhotometricConfig} from '../../config/schema.js';
import type {RandomStream} from '../../random.js';
import type {RgbImage} from './warp.js';

export interface Photometric {
  /** Added to every level. */
  readonly brightness: number;
  /** Factor of every level. */
  readonly contrast: number;
  /** Contrast before the colours rather than after them. */
  readonly contrastFirst: boolean;
  /** Factor of HSV's saturation. */
  readonly saturation: number;
  /** Degrees added to HSV's hue. */
  readonly hue: number;
  /** Which channel comes first, second and third. */
  readonly channels: readonly [number, number, number];
}

const IN_ORDER = [0, 1, 2] as const;

/** Each of the changes happens with the same probability, independently. */
export function drawPhotometric(config: PhotometricConfig, random: RandomStream): Photometric {
  const {probability} = config;
  const symmetric = (range: number) => random.uniform(-range, range);
  const contrastFirst = random.chance(0.5);
  const brightness = random.chance(probability) ? symmetric(config.brightness) : 0;
  const contrast = random.chance(probability) ? 1 + symmetric(config.contrast) : 1;
  const saturation = random.chance(probability) ? 1 + symmetric(config.saturation) : 1;
  const hue = random.chance(probability) ? symmetric(config.hue) : 0;
  const isSwapped = config.swapChannels && random.chance(probability);
  const [red, green, blue] = isSwapped ? random.permutation(3) : IN_ORDER;
  return {brightness, contrast, contrastFirst, saturation, hue, channels: [red, green, blue]};
}

/** Changes the levels in place. */
export function distortColours({data}: RgbImage, photometric: Photometric): void {
  const {brightness, contrast, contrastFirst, saturation, hue, channels} = photometric;
  const before = contrastFirst ? contrast : 1;
  const after = contrastFirst ? 1 : contrast;
  const level = Float64Array.from({length: 256}, (_, value) => clip(clip(value + brightness) * before));
  const changesColour = saturation !== 1 || hue !== 0;
  const [first, second, third] = channels;
  const rgb = new Float64Array(3);
  for (let i = 0; i < data.length; i += 3) {
    rgb[0] = level[data[i]];
    rgb[1] = level[data[i + 1]];
    rgb[2] = level[data[i + 2]];
    if (changesColour) changeColour(rgb, saturation, hue / 60);
    data[i] = Math.floor(clip(rgb[first] * after) + 0.5);
    data[i + 1] = Math.floor(clip(rgb[second] * after) + 0.5);
    data[i + 2] = Math.floor(clip(rgb[third] * after) + 0.5);
  }
}

/**
 * Saturation and hue of one pixel, by way of HSV with hue in sextants (Smith 1978). Written out by channel: it runs for
 * every pixel of a sample, where destructuring takes longer than the arithmetic.
 */
function changeColour(rgb: Float64Array, saturation: number, sextants: number): void {
  const red = rgb[0];
  const green = rgb[1];
  const blue = rgb[2];
  const value = Math.max(red, green, blue);
  const chroma = value - Math.min(red, green, blue);
  if (chroma === 0) return;
  const sextant =
    value === red
      ? (green - blue) / chroma
      : value === green
        ? 2 + (blue - red) / chroma
        : 4 + (red - green) / chroma;
  const turned = sextant + sextants + 12;
  const newChroma = Math.min(value, chroma * saturation);
  rgb[0] = value - newChroma * shareOf(turned + 5);
  rgb[1] = value - newChroma * shareOf(turned + 5 - 2);
  rgb[2] = value - newChroma * shareOf(turned + 5 - 4);
}

/** Of the chroma, by which a channel lies below the value: it depends on how far the channel's own hue is away. */
function shareOf(sextants: number): number {
  const position = sextants - 6 * Math.floor(sextants / 6);
  return Math.max(0, Math.min(position, 4 - position, 1));
}

function clip(level: number): number {
  return Math.min(255, Math.max(0, level));
}
