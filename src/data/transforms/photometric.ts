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
  const colour = saturation !== 1 || hue !== 0;
  const rgb = new Float64Array(3);
  for (let i = 0; i < data.length; i += 3) {
    for (let channel = 0; channel < 3; channel++) rgb[channel] = level[data[i + channel]];
    if (colour) changeColour(rgb, saturation, hue);
    for (let channel = 0; channel < 3; channel++) {
      data[i + channel] = Math.floor(clip(rgb[channels[channel]] * after) + 0.5);
    }
  }
}

/** Saturation and hue of one pixel, by way of HSV with hue in sextants (Smith 1978). */
function changeColour(rgb: Float64Array, saturation: number, hue: number): void {
  const [red, green, blue] = rgb;
  const value = Math.max(red, green, blue);
  const chroma = value - Math.min(red, green, blue);
  if (chroma === 0) return;
  const sextant =
    value === red
      ? (green - blue) / chroma
      : value === green
        ? 2 + (blue - red) / chroma
        : 4 + (red - green) / chroma;
  const turned = sextant + hue / 60 + 12;
  const newChroma = Math.min(value, chroma * saturation);
  // Each channel is the value less a share of the chroma, which depends on how far its own hue is away.
  for (let channel = 0; channel < 3; channel++) {
    const position = (turned + 5 - 2 * channel) % 6;
    const share = Math.max(0, Math.min(position, 4 - position, 1));
    rgb[channel] = value - newChroma * share;
  }
}

function clip(level: number): number {
  return Math.min(255, Math.max(0, level));
}
