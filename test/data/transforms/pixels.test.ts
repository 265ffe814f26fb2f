/** @file The changes of pixels and the box jitter: each against a plain formula, their draws, and their independence. */
import {describe, expect, it} from 'vitest';
import {configSchema} from '../../../src/config/schema.js';
import {boxBlur, drawKernel, medianBlur} from '../../../src/data/transforms/blur.js';
import {drawBoxJitter, jitterBox} from '../../../src/data/transforms/boxJitter.js';
import {drawHole, dropOut} from '../../../src/data/transforms/coarseDropout.js';
import {distortColours, drawPhotometric, type Photometric} from '../../../src/data/transforms/photometric.js';
import {changePixels} from '../../../src/data/transforms/pixels.js';
import type {RgbImage} from '../../../src/data/transforms/warp.js';
import {stream} from '../../../src/random.js';

const split = {annotations: 'a', images: 'b'};
const {augment: config} = configSchema.shape.dataset.parse({root: '.', train: split, val: split});
const DRAWS = 4000;
const draws = <T>(draw: (random: ReturnType<typeof stream>) => T) =>
  Array.from({length: DRAWS}, (_, i) => draw(stream(5, 'test', 0, i)));
const share = (values: boolean[]) => values.filter(Boolean).length / values.length;

function noise(width = 23, height = 17): RgbImage {
  const random = stream(1, 'noise');
  return {width, height, data: Uint8Array.from({length: 3 * width * height}, () => random.integer(256))};
}
const changed = (image: RgbImage, change: (copy: RgbImage) => void): Uint8Array => {
  const copy = {...image, data: image.data.slice()};
  change(copy);
  return copy.data;
};
/** The level of a channel at (x, y). */
const pixel = ({data, width}: RgbImage, x: number, y: number, channel: number) =>
  data[3 * (y * width + x) + channel];

/** What `value` gives at every pixel and channel. */
function eachPixel(
  {width, height}: RgbImage,
  value: (x: number, y: number, channel: number) => number,
): number[] {
  return Array.from({length: 3 * width * height}, (_, i) =>
    value(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3),
  );
}

describe('photometric distortion', () => {
  const none: Photometric = {
    ...{brightness: 0, contrast: 1, contrastFirst: true, saturation: 1, hue: 0},
    channels: [0, 1, 2],
  };
  const distort = (rgb: number[], change: Partial<Photometric>) =>
    Array.from(
      changed({width: 1, height: 1, data: Uint8Array.from(rgb)}, (one) =>
        distortColours(one, {...none, ...change}),
      ),
    );

  it('of nothing is nothing', () => {
    const image = noise();
    expect(changed(image, (copy) => distortColours(copy, none))).toEqual(image.data);
  });

  it.each<[string, number[], Partial<Photometric>, number[]]>([
    ['brightness', [10, 128, 250], {brightness: 20.4}, [30, 148, 255]],
    ['darkness', [10, 128, 250], {brightness: -20}, [0, 108, 230]],
    ['contrast', [10, 128, 250], {contrast: 0.5}, [5, 64, 125]],
    ['brightness before contrast', [10, 100, 200], {brightness: 10, contrast: 1.5}, [30, 165, 255]],
    ['red turned to green', [200, 50, 50], {hue: 120}, [50, 200, 50]],
    ['red turned to blue', [200, 50, 50], {hue: -120}, [50, 50, 200]],
    ['red turned to yellow', [200, 50, 50], {hue: 60}, [200, 200, 50]],
    ['red turned by a quarter of the way to yellow', [200, 50, 50], {hue: 15}, [200, 88, 50]],
    ['grey, which has no hue', [90, 90, 90], {hue: 77, saturation: 1.4}, [90, 90, 90]],
    ['half the saturation', [200, 100, 50], {saturation: 0.5}, [200, 150, 125]],
    ['saturation up to the full', [200, 100, 50], {saturation: 1.5}, [200, 67, 0]],
    ['other channels', [1, 2, 3], {channels: [2, 0, 1]}, [3, 1, 2]],
    [
      'contrast after the colours',
      [100, 50, 50],
      {contrastFirst: false, contrast: 1.2, hue: 60},
      [120, 120, 60],
    ],
  ])('%s', (_, rgb, change, expected) => {
    expect(distort(rgb, change)).toEqual(expected);
  });

  it('draws each change as often as asked, over its whole range', () => {
    const photometric = {...config.photometric, probability: 0.5};
    const drawn = draws((random) => drawPhotometric(photometric, random));
    const figures = [
      drawn.map(({brightness}) => brightness),
      drawn.map(({contrast}) => 64 * (contrast - 1)),
      drawn.map(({saturation}) => 64 * (saturation - 1)),
      drawn.map(({hue}) => (32 / 36) * hue),
    ];
    for (const values of figures) {
      expect(share(values.map((value) => value !== 0))).toBeCloseTo(0.5, 1);
      expect(Math.max(...values)).toBeGreaterThan(31.5);
      expect(Math.min(...values)).toBeLessThan(-31.5);
      expect(values.every((value) => Math.abs(value) <= 32)).toBe(true);
    }
    // A permutation of three leaves them as they are in one case of six.
    expect(share(drawn.map(({channels}) => channels.join('') !== '012'))).toBeCloseTo(0.5 * (5 / 6), 1);
    expect(share(drawn.map(({contrastFirst}) => contrastFirst))).toBeCloseTo(0.5, 1);
  });
});

describe('blur', () => {
  const reflect = (at: number, length: number) => (at < 0 ? -at : at >= length ? 2 * length - 2 - at : at);
  const clamp = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  const image = noise();

  /** The levels of a square, by a rule for what lies outside. */
  function square(x: number, y: number, channel: number, side: number, inside: typeof clamp): number[] {
    const radius = (side - 1) / 2;
    return Array.from({length: side * side}, (_, i) =>
      pixel(
        image,
        inside(x - radius + (i % side), image.width),
        inside(y - radius + Math.floor(i / side), image.height),
        channel,
      ),
    );
  }

  it.each([3, 5, 7])('by means of a square of %i', (side) => {
    const expected = eachPixel(image, (x, y, channel) => {
      const levels = square(x, y, channel, side, reflect);
      return Math.floor(levels.reduce((sum, level) => sum + level, 0) / side ** 2 + 0.5);
    });
    expect(Array.from(changed(image, (copy) => boxBlur(copy, side)))).toEqual(expected);
  });

  it.each([3, 5, 7])('by medians of a square of %i', (side) => {
    const expected = eachPixel(
      image,
      (x, y, channel) => square(x, y, channel, side, clamp).sort((a, b) => a - b)[(side * side - 1) / 2],
    );
    expect(Array.from(changed(image, (copy) => medianBlur(copy, side)))).toEqual(expected);
  });

  it('draws squares of 3, 5 and 7 alike', () => {
    const sides = draws((random) => drawKernel(0.3, 7, random));
    for (const side of [3, 5, 7]) expect(share(sides.map((one) => one === side))).toBeCloseTo(0.1, 1);
    expect(share(sides.map((side) => side === 1))).toBeCloseTo(0.7, 1);
  });
});

describe('coarse dropout', () => {
  it('blackens its rectangle and nothing else', () => {
    const image = {...noise(), data: noise().data.map((level) => Math.max(1, level))};
    const expected = eachPixel(image, (x, y, channel) =>
      x >= 4 && x < 9 && y >= 3 && y < 10 ? 0 : pixel(image, x, y, channel),
    );
    expect(Array.from(changed(image, (copy) => dropOut(copy, [4, 3, 5, 7])))).toEqual(expected);
  });

  it('draws sides of 0.2 to 0.4 of the input, anywhere within it', () => {
    const holes = draws((random) =>
      drawHole({...config.coarseDropout, probability: 0.5}, [256, 192], random),
    );
    const there = holes.filter((hole) => hole !== null);
    expect(there.length / DRAWS).toBeCloseTo(0.5, 1);
    const range = (values: number[]) => [Math.min(...values), Math.max(...values)];
    expect(range(there.map(([, , width]) => width))).toEqual([38, 76]);
    expect(range(there.map(([, , , height]) => height))).toEqual([51, 102]);
    expect(Math.min(...there.map(([x, y]) => Math.min(x, y)))).toBe(0);
    expect(Math.max(...there.map(([x, , width]) => x + width))).toBe(192);
    expect(Math.max(...there.map(([, y, , height]) => y + height))).toBe(256);
  });
});

describe('box jitter', () => {
  const region = {center: [100, 50], size: [30, 40], rotation: 12} as const;

  it('moves the centre by shares of the size', () => {
    expect(jitterBox(region, [0.1, -0.05])).toEqual({...region, center: [103, 48]});
  });

  it('draws a normal within one deviation on both axes, as often as asked', () => {
    const shifts = draws((random) => drawBoxJitter({probability: 0.3, shift: 0.16}, random));
    const moved = shifts.filter(([dx]) => dx !== 0);
    expect(moved.length / DRAWS).toBeCloseTo(0.3, 1);
    for (const axis of [0, 1]) {
      const values = moved.map((shift) => shift[axis] / 0.16);
      expect(values.every((value) => Math.abs(value) <= 1)).toBe(true);
      // Of a standard normal within ±1, 56 % lie within ±0.5 (0.3829 / 0.6827).
      expect(share(values.map((value) => Math.abs(value) < 0.5))).toBeCloseTo(0.56, 1);
      expect(share(values.map((value) => value > 0))).toBeCloseTo(0.5, 1);
    }
  });
});

describe('all changes together', () => {
  const random = (name: string) => stream(3, name, 1, 2);
  const apply = (changes: Partial<typeof config>) =>
    changed(noise(), (copy) => changePixels(copy, {...config, ...changes}, random));

  it('are off by default', () => {
    expect(apply({})).toEqual(noise().data);
    expect(config.boxJitter.probability).toBe(0);
  });

  it('follow each other as photometric, blur, dropout, with draws that do not depend on what else is on', () => {
    const photometric = {...config.photometric, probability: 1};
    const blur = {...config.blur, box: 1, median: 1};
    const coarseDropout = {...config.coarseDropout, probability: 1};
    const expected = changed(noise(), (copy) => {
      distortColours(copy, drawPhotometric(photometric, random('photometric')));
      boxBlur(copy, drawKernel(1, 7, random('boxBlur')));
      medianBlur(copy, drawKernel(1, 7, random('medianBlur')));
      dropOut(copy, drawHole(coarseDropout, [17, 23], random('coarseDropout'))!);
    });
    expect(apply({photometric, blur, coarseDropout})).toEqual(expected);
    // The hole alone is where it is among the others.
    const alone = drawHole(coarseDropout, [17, 23], random('coarseDropout'))!;
    expect(apply({coarseDropout})).toEqual(changed(noise(), (copy) => dropOut(copy, alone)));
  });
});
