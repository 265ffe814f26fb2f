/** @file What every codec promises: round trips within stated pixels, weights, batches, and the flip test. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {beforeAll, describe, expect, it} from 'vitest';
import {targetArrays, targetLength} from '../../src/codecs/codec.js';
import {codecSpec, createCodec} from '../../src/codecs/create.js';
import {flipOutputs} from '../../src/codecs/flip.js';
import {selectBackend} from '../../src/engine/index.js';
import {rdposeHead} from '../models/configs.js';
import {between, encodeBatch, INPUT, makeCodec, type Point, SPECS, TYPES} from './builders.js';

const [HEIGHT, WIDTH] = INPUT;

/**
 * Pixels along one axis that encoding and decoding may lose: for keypoints `margin` or more from every border, and for all
 * whose pixel is in the input. MSRA: half a cell, and a cell at the right and lower border, beyond the last cell's centre.
 * DARK: not refined within two cells of a border, and the kernel's zeros pull inwards within seven. UDP: the same pull.
 * SimCC: half a bin.
 */
const LOSSES = {
  msra: {margin: 2, inside: 2, anywhere: 3},
  dark: {margin: 28, inside: 0.01, anywhere: 3},
  udp: {margin: 28, inside: 0.01, anywhere: 3.5},
  simcc: {margin: 0, inside: 0.25, anywhere: 0.25},
} as const;

function visible(margin: number): fc.Arbitrary<Point> {
  const x = between(margin, WIDTH - 1 - margin);
  return fc.tuple(x, between(margin, HEIGHT - 1 - margin), fc.constant(1));
}

/** Points in the input, outside it near and far, and not labelled. */
const anyPoint: fc.Arbitrary<Point> = fc.tuple(
  between(-100, WIDTH + 100),
  between(-100, HEIGHT + 100),
  fc.constantFrom(0, 1, 0.5),
);

describe.each(TYPES)('%s', (type) => {
  const {margin, inside, anywhere} = LOSSES[type];

  it.each([
    [`${inside} pixels, ${margin} from every border`, margin, inside],
    [`${anywhere} pixels at the borders`, 0, anywhere],
  ])('finds encoded keypoints again within %s', (_, from, bound) => {
    fc.assert(
      fc.property(fc.array(visible(from), {minLength: 3, maxLength: 3}), (points) => {
        const codec = makeCodec(type, points.length);
        const {targets, weights} = encodeBatch(codec, [points]);
        const {coordinates, scores} = codec.decode(targets, 1);
        points.forEach(([x, y], k) => {
          expect(Math.abs(coordinates[2 * k] - x)).toBeLessThanOrEqual(bound + 1e-5);
          expect(Math.abs(coordinates[2 * k + 1] - y)).toBeLessThanOrEqual(bound + 1e-5);
          // A peak between cells: a half of one away at most, in DARK's last half cell a whole one.
          expect(scores[k]).toBeGreaterThan(0.77);
        });
        expect([...weights]).toEqual([1, 1, 1]);
      }),
      {numRuns: 150},
    );
  });

  it('finds corners again within the same pixels', () => {
    const corners: Point[] = [0, WIDTH - 1].flatMap((x) => [0, HEIGHT - 1].map((y): Point => [x, y, 1]));
    const codec = makeCodec(type, 4);
    const {coordinates} = codec.decode(encodeBatch(codec, [corners]).targets, 1);
    corners.forEach(([x, y], k) => {
      expect(Math.abs(coordinates[2 * k] - x)).toBeLessThanOrEqual(anywhere + 1e-5);
      expect(Math.abs(coordinates[2 * k + 1] - y)).toBeLessThanOrEqual(anywhere + 1e-5);
    });
  });

  it('gives far points and points without a label weight 0 and an empty target', () => {
    const sample: Point[] = [
      [WIDTH / 2, HEIGHT / 2, 0],
      [-40, HEIGHT / 2, 1],
      [WIDTH / 2, HEIGHT + 40, 1],
      [1e9, -1e9, 1],
    ];
    const {values, weights} = encodeBatch(makeCodec(type, sample.length), [sample]);
    expect([...weights]).toEqual([0, 0, 0, 0]);
    expect(values.every((value) => value === 0)).toBe(true);
  });

  it('encodes each sample of a mixed batch as it would alone, over whatever was there', () => {
    const sample = fc.array(anyPoint, {minLength: 2, maxLength: 2});
    fc.assert(
      fc.property(fc.array(sample, {minLength: 1, maxLength: 3}), (samples) => {
        const codec = makeCodec(type, 2);
        const {targets, weights} = encodeBatch(codec, samples);
        samples.forEach((points, slot) => {
          const alone = encodeBatch(codec, [points]);
          expect(weights.slice(2 * slot, 2 * slot + 2)).toEqual(alone.weights);
          alone.targets.forEach((part, i) => {
            const same = targets[i].subarray(slot * part.length, (slot + 1) * part.length);
            expect(same).toEqual(part);
          });
        });
      }),
      {numRuns: 20},
    );
  });

  it('decodes each sample of a batch as it would alone', () => {
    const samples: Point[][] = [
      [
        [30, 40, 1],
        [60, 90, 1],
      ],
      [
        [0, 0, 1],
        [33, 21, 0],
      ],
    ];
    const codec = makeCodec(type, 2);
    const {coordinates, scores} = codec.decode(encodeBatch(codec, samples).targets, 2);
    samples.forEach((points, slot) => {
      const alone = codec.decode(encodeBatch(codec, [points]).targets, 1);
      expect(coordinates.slice(4 * slot, 4 * slot + 4)).toEqual(alone.coordinates);
      expect(scores.slice(2 * slot, 2 * slot + 2)).toEqual(alone.scores);
    });
    expect(scores[3]).toBe(0);
  });

  it('has arrays of the shapes it states', () => {
    const codec = makeCodec(type, 5);
    const values = new Float32Array(3 * targetLength(codec));
    const arrays = targetArrays(codec, values, 3);
    const sizes = codec.targets.map(({shape}) => 3 * shape.reduce((size, length) => size * length, 1));
    expect(arrays.map(({length}) => length)).toEqual(sizes);
    expect(codec.targets.map(({shape, keypointAxis}) => shape[keypointAxis])).toEqual(sizes.map(() => 5));
    expect(arrays.every(({buffer}) => buffer === values.buffer)).toBe(true);
  });
});

/** A sample as seen in the mirrored input: pixel 0 becomes pixel width − 1, keypoints 0 and 1 are a pair. */
function mirrored(points: readonly Point[]): Point[] {
  const [left, right, middle] = points.map(([x, y, weight]): Point => [WIDTH - 1 - x, y, weight]);
  return [right, left, middle];
}

describe('the flip test', () => {
  beforeAll(async () => {
    await selectBackend({backend: 'torch', threads: 1});
  });

  /** Targets of a sample, and those of its mirror image turned back. */
  function bothWays(type: (typeof TYPES)[number], points: Point[], align: boolean) {
    const codec = makeCodec(type, 3);
    const own = encodeBatch(codec, [points]).targets;
    const others = encodeBatch(codec, [mirrored(points)]).targets;
    const flipped = tf.tidy(() => {
      const tensors = others.map((values, i) => tf.tensor(values, [1, ...codec.targets[i].shape]));
      return flipOutputs(codec, tensors, [[0, 1]], align);
    });
    const back = flipped.map((tensor) => tensor.dataSync<'float32'>());
    tf.dispose(flipped);
    return {codec, own, back};
  }

  function greatestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
    return Math.max(
      ...a.map((values, i) =>
        values.reduce((most, value, at) => Math.max(most, Math.abs(value - b[i][at])), 0),
      ),
    );
  }

  const sample = (point: fc.Arbitrary<Point>) => fc.array(point, {minLength: 3, maxLength: 3});
  const wholePixels = fc
    .tuple(fc.integer({min: 32, max: WIDTH - 33}), fc.integer({min: 32, max: HEIGHT - 33}))
    .map(([x, y]): Point => [x, y, 1]);

  it.each([
    ['msra, shifted, at whole pixels', 'msra', wholePixels, true],
    ['udp, anywhere', 'udp', visible(0), false],
    [
      'simcc, shifted, at whole and half pixels',
      'simcc',
      wholePixels.map(([x, y]): Point => [x + 0.5, y, 1]),
      true,
    ],
  ] as const)('gives back the targets themselves: %s', (_, type, point, align) => {
    fc.assert(
      fc.property(sample(point), (points) => {
        const {own, back} = bothWays(type, points, align);
        // Around a keypoint between two cells UDP's patch is one cell longer on one side: exp(−6² / 8) = 0.0111.
        expect(greatestDifference(own, back)).toBeLessThan(type === 'udp' ? 0.0112 : 1e-6);
      }),
      {numRuns: 30},
    );
  });

  it.each([
    // In pixels: UDP none, DARK a quarter of a cell or three, SimCC none or a bin, MSRA up to a cell by rounding.
    ['udp', false, 0, 1e-3],
    ['dark', true, 1, 0.01],
    ['dark', false, -3, 0.01],
    ['simcc', true, 0, 1e-3],
    ['simcc', false, 0.5, 1e-3],
    ['msra', true, 0, 4],
    ['msra', false, -4, 4],
  ] as const)('of %s (shifted: %s) is off by %d pixels to the right', (type, align, offset, tolerance) => {
    fc.assert(
      fc.property(sample(visible(32)), (points) => {
        const {codec, own, back} = bothWays(type, points, align);
        const [found, turned] = [codec.decode(own, 1).coordinates, codec.decode(back, 1).coordinates];
        for (let k = 0; k < 3; k++) {
          expect(Math.abs(turned[2 * k] - found[2 * k] - offset)).toBeLessThanOrEqual(tolerance);
          expect(Math.abs(turned[2 * k + 1] - found[2 * k + 1])).toBeLessThan(1e-3);
        }
      }),
      {numRuns: 30},
    );
  });

  it('mirrors columns, swaps pairs, and repeats the border that a shift lays bare', () => {
    const spec = {type: 'msra', input: [4, 12], stride: 4, sigma: 2, keypoints: 3} as const;
    // Two samples of one row of three cells: 100 sample + 10 column + keypoint.
    const values = [0, 100].map((s) => [0, 10, 20].map((column) => [0, 1, 2].map((k) => s + column + k)));
    const flip = (align: boolean) =>
      tf.tidy(
        () =>
          flipOutputs(createCodec(spec), [tf.tensor(values, [2, 3, 3]).expandDims(1)], [[1, 2]], align)[0],
      );
    const plain = flip(false).arraySync() as number[][][][];
    expect(plain[0][0]).toEqual([
      [20, 22, 21],
      [10, 12, 11],
      [0, 2, 1],
    ]);
    expect(plain[1][0]).toEqual([
      [120, 122, 121],
      [110, 112, 111],
      [100, 102, 101],
    ]);
    const shifted = flip(true).arraySync() as number[][][][];
    expect(shifted[0][0]).toEqual([
      [20, 22, 21],
      [20, 22, 21],
      [10, 12, 11],
    ]);
  });

  it('shifts SimCC the other way, x alone', () => {
    const codec = createCodec({...SPECS.simcc(1)});
    const [x, y] = codec.targets.map(({shape}) => tf.range(0, shape[1]).reshape([1, ...shape]));
    const [flippedX, flippedY] = flipOutputs(codec, [x, y], [], true);
    expect([...flippedX.dataSync().slice(0, 2), ...flippedX.dataSync().slice(-2)]).toEqual([190, 189, 0, 0]);
    expect(flippedY.dataSync()).toEqual(y.dataSync());
  });
});

describe('a configuration', () => {
  const head = {type: 'heatmap', codec: 'udp', sigma: 3, finalConvKernel: 1, ohkm: null} as const;
  it('names the codec of its head', () => {
    const spec = codecSpec({input: [256, 192], head}, 4, 17);
    expect(spec).toEqual({type: 'udp', input: [256, 192], stride: 4, sigma: 3, keypoints: 17});
    expect(createCodec(structuredClone(spec))).toMatchObject({convention: 'udp', alignsFlipped: false});
    const own = codecSpec({input: [256, 192], head: rdposeHead({sigma: 3, codec: 'udp'})}, 4, 17);
    expect(own).toEqual({...spec, sigma: 3, centre: true});
  });
});
