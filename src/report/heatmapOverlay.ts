/** @file Heatmaps shown in colour over the crop that they belong to. */
import sharp from 'sharp';
import type {RgbImage} from '../data/transforms/warp.js';

/** Successive multiples of the golden angle: hues of neighbouring keypoints differ well for any number of them. */
const GOLDEN_ANGLE = 137.508;
/** The crop is darkened under the heatmaps so that faint responses can be seen. */
const BRIGHTNESS = 0.6;

/** A fully saturated light colour; `hue` in degrees. Channels 0 to 255 (the usual HSL formula at lightness 0.6). */
function hueColor(hue: number): [number, number, number] {
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (0.6 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** At each cell the strongest keypoint: its hue, and its value as the opacity. RGBA, row-major. */
function colorize(heatmaps: Float32Array, cells: number, keypoints: number): Uint8Array {
  const colors = Array.from({length: keypoints}, (_, k) => hueColor(k * GOLDEN_ANGLE));
  const pixels = new Uint8Array(cells * 4);
  for (let cell = 0; cell < cells; cell++) {
    let strongest = 0;
    let value = 0;
    for (let k = 0; k < keypoints; k++) {
      const here = heatmaps[cell * keypoints + k];
      if (here > value) [strongest, value] = [k, here];
    }
    pixels.set(colors[strongest], cell * 4);
    pixels[cell * 4 + 3] = Math.round(Math.min(value, 1) * 255);
  }
  return pixels;
}

/**
 * A crop with its heatmaps over it, as a JPEG file of the crop's size.
 * @param heatmaps [height, width, keypoints], values from 0 to 1 (others are clipped)
 * @param shape of `heatmaps`
 */
export async function heatmapOverlay(
  crop: RgbImage,
  heatmaps: Float32Array,
  [height, width, keypoints]: readonly [number, number, number],
): Promise<Buffer> {
  const overlay = await sharp(colorize(heatmaps, height * width, keypoints), {
    raw: {width, height, channels: 4},
  })
    .resize(crop.width, crop.height, {fit: 'fill', kernel: 'cubic'})
    .png()
    .toBuffer();
  // Not sharp's `linear`, which would darken the heatmaps as well: it comes after compositing.
  const darkened = crop.data.map((channel) => channel * BRIGHTNESS);
  return sharp(darkened, {raw: {width: crop.width, height: crop.height, channels: 3}})
    .composite([{input: overlay}])
    .jpeg({quality: 88})
    .toBuffer();
}
