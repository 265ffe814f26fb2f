/** @file DARK's and UDP's offsets against the published steps written out over the whole map. */
import {describe, expect, it} from 'vitest';
import type {Channel} from '../../src/codecs/channel.js';
import {darkOffset, udpOffset} from '../../src/codecs/refine.js';
import {newtonStep, smoothingTaps} from '../../src/codecs/smoothing.js';
import {stream} from '../../src/random.js';

const [HEIGHT, WIDTH] = [32, 24];

function channelOf(values: Float32Array): Channel {
  return {values, offset: 0, step: 1, height: HEIGHT, width: WIDTH};
}

/** A Gaussian of the given sigma near (x, y) with noise on it, and its greatest cell. */
function noisyMap(x: number, y: number, sigma: number, noise: number) {
  const random = stream(0, 'test/refine', x, y);
  const values = Float32Array.from({length: HEIGHT * WIDTH}, (_, i) => {
    const squared = ((i % WIDTH) - x - 0.3) ** 2 + (Math.floor(i / WIDTH) - y + 0.2) ** 2;
    return Math.exp(-squared / (2 * sigma * sigma)) + noise * random.uniform(-0.5, 1);
  });
  const best = values.indexOf(values.reduce((most, value) => Math.max(most, value)));
  return {values, x: best % WIDTH, y: Math.floor(best / WIDTH)};
}

/** OpenCV's GaussianBlur of the whole map between zeros, two-dimensional, and the maximum's height restored. */
function blurred(map: Float32Array, taps: number): number[][] {
  const radius = (taps - 1) / 2;
  const sigma = 0.3 * (radius - 1) + 0.8;
  const kernel = Array.from({length: taps}, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const sum = kernel.reduce((total, tap) => total + tap, 0);
  const rows = Array.from({length: HEIGHT}, (_, y) =>
    Array.from({length: WIDTH}, (_, x) => {
      let value = 0;
      for (let i = 0; i < taps; i++) {
        for (let j = 0; j < taps; j++) {
          const [r, c] = [y + i - radius, x + j - radius];
          if (r < 0 || r >= HEIGHT || c < 0 || c >= WIDTH) continue;
          value += (kernel[i] / sum) * (kernel[j] / sum) * map[r * WIDTH + c];
        }
      }
      return value;
    }),
  );
  const gain = Math.max(...map) / Math.max(...rows.flat());
  return rows.map((row) => row.map((value) => value * gain));
}

/** MMPose's refine_keypoints_dark for one keypoint. */
function plainDark(map: Float32Array, x: number, y: number, taps: number): [number, number] {
  const logs = blurred(map, taps).map((row) => row.map((value) => Math.log(Math.max(value, 1e-10))));
  const l = (dx: number, dy: number) => logs[y + dy][x + dx];
  const [dx, dy] = [(l(1, 0) - l(-1, 0)) / 2, (l(0, 1) - l(0, -1)) / 2];
  const dxx = 0.25 * (l(2, 0) - 2 * l(0, 0) + l(-2, 0));
  const dyy = 0.25 * (l(0, 2) - 2 * l(0, 0) + l(0, -2));
  const dxy = 0.25 * (l(1, 1) - l(1, -1) - l(-1, 1) + l(-1, -1));
  const det = dxx * dyy - dxy ** 2;
  return [-(dyy * dx - dxy * dy) / det, -(dxx * dy - dxy * dx) / det];
}

/** MMPose's refine_keypoints_dark_udp for one keypoint: the map gets a border that repeats its own. */
function plainUdp(map: Float32Array, x: number, y: number, taps: number): [number, number] {
  const inside = (i: number, length: number) => Math.min(length - 1, Math.max(0, i));
  const smooth = blurred(map, taps);
  const l = (dx: number, dy: number) =>
    Math.log(Math.min(50, Math.max(1e-3, smooth[inside(y + dy, HEIGHT)][inside(x + dx, WIDTH)])));
  const [dx, dy] = [(l(1, 0) - l(-1, 0)) / 2, (l(0, 1) - l(0, -1)) / 2];
  const dxx = l(1, 0) - 2 * l(0, 0) + l(-1, 0);
  const dyy = l(0, 1) - 2 * l(0, 0) + l(0, -1);
  const dxy = 0.5 * (l(1, 1) - l(1, 0) - l(0, 1) + 2 * l(0, 0) - l(-1, 0) - l(0, -1) + l(-1, -1));
  const det = dxx * dyy - dxy ** 2;
  return [-(dyy * dx - dxy * dy) / det, -(dxx * dy - dxy * dx) / det];
}

describe('the smoothing kernel', () => {
  it.each([
    [0.5, 1],
    [1, 3],
    [1.5, 7],
    [2, 11],
    [3, 17],
  ])('has for targets of sigma %d the %i taps of the published code', (sigma, expected) => {
    expect(2 * smoothingTaps(sigma).length - 1).toBe(expected);
  });

  it('has OpenCV’s sigma and a sum of 1', () => {
    // getGaussianKernel(17, 0): sigma 0.3 * 7 + 0.8.
    const taps = smoothingTaps(3);
    expect(taps[8] / taps[0]).toBeCloseTo(Math.exp(-64 / (2 * 2.9 * 2.9)), 12);
    expect(taps.reduce((sum, tap) => sum + 2 * tap, -taps[0])).toBeCloseTo(1, 12);
  });
});

describe.each([
  ['darkOffset', darkOffset, plainDark],
  ['udpOffset', udpOffset, plainUdp],
] as const)('%s', (_, makeOffset, plain) => {
  it.each([
    [2, 11, 10, 15],
    [2, 11, 2, 2],
    [2, 11, 21, 29],
    [2, 11, 6, 25],
    [3, 17, 12, 14],
    [1.5, 7, 5, 5],
  ])(
    'is what the published steps give over the whole map (sigma %d, %i taps, around %i, %i)',
    (sigma, taps, x, y) => {
      const map = noisyMap(x, y, sigma, 0.05);
      const [dx, dy] = makeOffset(sigma)(channelOf(map.values), map.x, map.y);
      const [expectedX, expectedY] = plain(map.values, map.x, map.y, taps);
      expect(Math.hypot(dx, dy)).toBeGreaterThan(0.01);
      expect(dx).toBeCloseTo(expectedX, 9);
      expect(dy).toBeCloseTo(expectedY, 9);
    },
  );

  it('reads its own channel of several', () => {
    const {values, x, y} = noisyMap(10, 15, 2, 0.05);
    const three = new Float32Array(3 * values.length).fill(0.7);
    values.forEach((value, i) => {
      three[3 * i + 1] = value;
    });
    const channel = {...channelOf(three), offset: 1, step: 3};
    expect(makeOffset(2)(channel, x, y)).toEqual(makeOffset(2)(channelOf(values), x, y));
  });

  it('gives the same whatever it was asked before', () => {
    const offset = makeOffset(2);
    const [first, second] = [noisyMap(3, 3, 2, 0.05), noisyMap(12, 20, 2, 0.05)];
    const alone = offset(channelOf(first.values), first.x, first.y);
    offset(channelOf(second.values), second.x, second.y);
    expect(offset(channelOf(first.values), first.x, first.y)).toEqual(alone);
  });

  it('is zero on a map without slope, and where nothing positive is left around the maximum', () => {
    expect(makeOffset(2)(channelOf(new Float32Array(HEIGHT * WIDTH).fill(1)), 10, 10)).toEqual([0, 0]);
    const spike = new Float32Array(HEIGHT * WIDTH).fill(-1);
    spike[10 * WIDTH + 10] = 0.1;
    expect(makeOffset(2)(channelOf(spike), 10, 10)).toEqual([0, 0]);
  });
});

it.each([
  [1, 15],
  [10, 1],
  [WIDTH - 2, 15],
  [10, HEIGHT - 2],
])('DARK does not move at (%i, %i), too near a border; UDP does', (x, y) => {
  const {values} = noisyMap(x, y, 2, 0);
  expect(darkOffset(2)(channelOf(values), x, y)).toEqual([0, 0]);
  const [expectedX, expectedY] = plainUdp(values, x, y, 11);
  const [dx, dy] = udpOffset(2)(channelOf(values), x, y);
  expect(dx).toBeCloseTo(expectedX, 9);
  expect(dy).toBeCloseTo(expectedY, 9);
  expect(Math.hypot(dx, dy)).toBeGreaterThan(0.1);
});

describe('newtonStep', () => {
  it('goes to the top of a quadratic', () => {
    // −(x − 1)² − 2(y + 2)² + (x − 1)(y + 2), seen from the origin.
    const [x, y] = newtonStep(2 + 2, -8 - 1, -2, -4, 1);
    expect(x).toBeCloseTo(1, 12);
    expect(y).toBeCloseTo(-2, 12);
  });

  it.each([
    ['a minimum', 1, 1, 0],
    ['a saddle', -1, 1, 0],
    ['a ridge', -1, -1, 1],
    ['a value that is no number', Number.NaN, -1, 0],
  ])('stays where there is %s', (_, hxx, hyy, hxy) => {
    expect(newtonStep(1, 1, hxx, hyy, hxy)).toEqual([0, 0]);
  });
});
