/** @file Resizing and cropping in libtorch against TensorFlow.js's own, and gradients against finite differences. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {drawn, expectFiniteDifferences, withGradients} from '../compare.js';
import {expectAgreement, expectOnlyLibtorch} from './agree.js';

type Size = [number, number];

const RESIZES: {from: Size; to: Size}[] = [
  {from: [4, 5], to: [8, 10]},
  {from: [4, 3], to: [7, 11]},
  {from: [9, 8], to: [4, 3]},
  {from: [5, 5], to: [1, 1]},
  {from: [1, 1], to: [3, 2]},
  {from: [49, 7], to: [98, 21]},
  {from: [6, 6], to: [6, 6]},
];

const CONVENTIONS = [
  {name: 'older', alignCorners: false, halfPixelCenters: false},
  {name: 'aligned corners', alignCorners: true, halfPixelCenters: false},
  {name: 'half-pixel centres', alignCorners: false, halfPixelCenters: true},
];

const METHODS = [
  ['bilinear', tf.image.resizeBilinear],
  ['nearest neighbour', tf.image.resizeNearestNeighbor],
] as const;

describe.each(METHODS)('%s', (_, resize) => {
  it.each(CONVENTIONS)('agrees with the cpu backend: $name', async ({alignCorners, halfPixelCenters}) => {
    const compute = () =>
      RESIZES.flatMap(({from, to}) => {
        const x = drawn<tf.Rank.R4>('x', [2, ...from, 3]);
        const whole = tf.cast(tf.mul(x, 100), 'int32');
        return [x, whole as tf.Tensor4D].map((images) => resize(images, to, alignCorners, halfPixelCenters));
      });
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });

  it.each(CONVENTIONS.slice(0, 2))('has the gradient of the cpu backend: $name', async ({alignCorners}) => {
    // The cpu backend mistakes non-square images and the second of a batch, and never ends over a single pixel.
    const compute = () =>
      (
        [
          [4, 8],
          [5, 7],
          [9, 4],
          [5, 1],
        ] as Size[]
      ).flatMap(([from, to]) =>
        withGradients(
          (x) => resize(x as tf.Tensor4D, [to, to + 2], alignCorners),
          [drawn('x', [1, from, from, 3])],
        ),
      );
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });
});

describe('the gradient', () => {
  beforeAll(async () => {
    await selectBackend({backend: 'torch'});
  });

  it.each(
    METHODS.flatMap(([name, resize]) =>
      CONVENTIONS.map((convention) => ({method: name, resize, ...convention})),
    ),
  )('agrees with finite differences: $method, $name', ({resize, alignCorners, halfPixelCenters}) => {
    for (const {from, to} of RESIZES.slice(0, 5)) {
      const f = (x: tf.Tensor) => resize(x as tf.Tensor4D, to, alignCorners, halfPixelCenters);
      tf.tidy(() => expectFiniteDifferences(f, drawn('x', [1, ...from, 2]), 0.1, 1e-3));
    }
  });
});

describe('cropAndResize', () => {
  const BOXES: [y1: number, x1: number, y2: number, x2: number][] = [
    [0, 0, 1, 1],
    [0.1, 0.2, 0.7, 0.9],
    [-0.3, 0.4, 0.5, 1.6],
    [0.9, 0.8, 0.1, 0.3],
    [0.25, 0.5, 0.25, 0.5],
    [0.1, 0.1, 0.6, 0.6],
    [Number.NaN, 0, 1, 1],
  ];

  it.each(['bilinear', 'nearest'] as const)('agrees with the cpu backend (%s)', async (method) => {
    const boxes = method === 'bilinear' ? BOXES : BOXES.slice(0, -1);
    const compute = () =>
      (
        [
          [5, 4],
          [1, 3],
          [4, 1],
          [12, 9],
        ] as Size[]
      ).flatMap((size) => {
        const image = drawn<tf.Rank.R4>('image', [3, 6, 8, 2]);
        const owners = tf.tensor1d([0, 2, 1, 0, 1, 7, 0].slice(0, boxes.length), 'int32');
        const whole = tf.cast(tf.mul(image, 100), 'int32');
        return [image, whole as tf.Tensor4D].map((images) =>
          tf.image.cropAndResize(images, tf.tensor2d(boxes), owners, size, method, 0.5),
        );
      });
    await expectAgreement(compute);
    await expectOnlyLibtorch(compute);
  });
});
