/** @file Off-target perturbation against a slow plain version. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {
  drawPerturbations,
  perturbedAnchors,
  perturbedFeatures,
  type SamplePerturbation,
} from '../../../src/models/rdpose/perturbation.js';
import {stream} from '../../../src/random.js';
import {NO_PERTURBATION} from '../configs.js';

const [BATCH, HEIGHT, WIDTH, CHANNELS] = [3, 6, 5, 2];
const SIGMA = 1.5;

const SAMPLES: readonly SamplePerturbation[] = [
  {centre: [2, 3], anchor: [2, 2], place: [4, 1], mixing: 0.25, otherImage: false, residue: 0.5},
  {centre: [1, 1], anchor: [1, 1], place: [0, 5], mixing: 0.5, otherImage: true, residue: 0.3},
  {centre: [3, 4], anchor: [4, 5], place: [3, 4], mixing: 0, otherImage: false, residue: 0},
];

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

function featureMaps(): tf.Tensor4D {
  const random = stream(0, 'test/perturbation');
  const values = Float32Array.from({length: BATCH * HEIGHT * WIDTH * CHANNELS}, () => random.normal());
  return tf.tensor4d(values, [BATCH, HEIGHT, WIDTH, CHANNELS]);
}

describe('perturbed features', () => {
  it('have those of the place under the centre, fading from there', async () => {
    const features = featureMaps();
    const before = (await features.array()) as number[][][][];
    const after = (await perturbedFeatures(features, SAMPLES, SIGMA).array()) as number[][][][];
    SAMPLES.forEach(({centre: [cx, cy], place: [px, py], residue}, b) => {
      for (let y = 0; y < HEIGHT; y++) {
        for (let x = 0; x < WIDTH; x++) {
          const fading = Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * SIGMA ** 2));
          const source = before[b][y + py - cy]?.[x + px - cx] ?? [0, 0];
          for (let c = 0; c < CHANNELS; c++) {
            expect(after[b][y][x][c]).toBeCloseTo(before[b][y][x][c] + residue * fading * source[c], 5);
          }
        }
      }
    });
  });
});

describe('perturbed anchors', () => {
  it('are mixed with the place, or with the anchor of the next image, and stay where they are', async () => {
    const features = featureMaps();
    const cells = (await features.array()) as number[][][][];
    const {embedding, position} = perturbedAnchors(features, SAMPLES);
    const found = (await embedding.array()) as number[][][];
    const at = (b: number, [x, y]: readonly [number, number]) => cells[b][y][x];
    const mixed = (own: number[], other: number[], share: number) =>
      own.map((value, c) => (1 - share) * value + share * other[c]);
    const expected = [
      mixed(at(0, [2, 2]), at(0, [4, 1]), 0.25),
      mixed(at(1, [1, 1]), at(2, [4, 5]), 0.5),
      at(2, [4, 5]),
    ];
    expected.forEach((values, b) => {
      values.forEach((value, c) => {
        expect(found[b][0][c]).toBeCloseTo(value, 5);
      });
    });
    expect(await position.array()).toEqual([
      [2, 2],
      [1, 1],
      [4, 5],
    ]);
  });

  it('send gradients to the cells that they are made of', () => {
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(perturbedAnchors(x as tf.Tensor4D, SAMPLES).embedding));
    const dx = gradient(featureMaps());
    const at = (b: number, x: number, y: number) => dx.bufferSync().get(b, y, x, 0);
    expect([at(0, 2, 2), at(0, 4, 1), at(1, 1, 1), at(2, 4, 5), at(0, 0, 0)]).toEqual([
      0.75, 0.25, 0.5, 1.5, 0,
    ]);
  });
});

describe('what is drawn', () => {
  const places = (rows: readonly (readonly number[])[]) => Float32Array.from(rows.flat());
  const settings = {...NO_PERTURBATION, weight: 1};
  const random = () => stream(3, 'perturbation', 5, 0);

  it('lies inside the map, within its limits, and is whole', () => {
    const rows = Array.from({length: 200}, (_, i) => [i % 48, i % 64, 47.6, 63.9, 1]);
    const drawn = drawPerturbations(places(rows), [64, 48], settings, random());
    for (const {anchor, centre, place, mixing, residue} of drawn) {
      for (const [x, y] of [anchor, centre, place]) {
        expect(Number.isInteger(x) && Number.isInteger(y)).toBe(true);
        expect(x >= 0 && y >= 0 && x < 48 && y < 64).toBe(true);
      }
      expect(mixing >= 0 && mixing < 0.5 && residue >= 0 && residue < 0.3).toBe(true);
    }
    const share = drawn.filter(({otherImage}) => otherImage).length / drawn.length;
    expect(Math.abs(share - 0.2)).toBeLessThan(0.1);
    // Away from the borders, the deviation of the anchor is a twentieth of the height: 3.2 cells.
    const inner = drawn.filter(({centre: [x, y]}) => x > 12 && x < 36 && y > 12 && y < 52);
    const squares = inner.map(({anchor, centre}) => (anchor[0] - centre[0]) ** 2);
    const deviation = Math.sqrt(squares.reduce((sum, square) => sum + square) / inner.length);
    expect(Math.abs(deviation - 3.2)).toBeLessThan(1);
  });

  it('is nothing of a place that is not there, and of no other image where there is none', () => {
    const [drawn] = drawPerturbations(places([[10, 10, 0, 0, 0]]), [64, 48], settings, random());
    expect(drawn).toMatchObject({mixing: 0, residue: 0, otherImage: false, place: [10, 10]});
  });

  it('does not depend on which places are there', () => {
    const all = [
      [1, 2, 3, 4, 1],
      [1, 2, 3, 4, 1],
    ];
    const first = drawPerturbations(places(all), [64, 48], settings, random());
    const second = drawPerturbations(places([[1, 2, 3, 4, 0], all[1]]), [64, 48], settings, random());
    expect(second[1]).toEqual(first[1]);
  });
});
