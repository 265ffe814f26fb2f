/** @file Resizing: output and gradient on both backends and by finite differences, and positions worked out by hand. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {resizeBilinear, resizeNearest} from '../../../src/engine/ops/resize.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

type Size = readonly [number, number];
type Resize = (x: tf.Tensor, size: Size) => tf.Tensor;

const FORMS: [string, Resize][] = [
  ['resizeBilinear', (x, size) => resizeBilinear(x as tf.Tensor4D, size)],
  [
    'resizeBilinear with aligned corners',
    (x, size) => resizeBilinear(x as tf.Tensor4D, size, {alignCorners: true}),
  ],
  ['resizeNearest', (x, size) => resizeNearest(x as tf.Tensor4D, size)],
];

const SIZES: [Size][] = [[[8, 12]], [[4, 6]], [[7, 13]], [[2, 3]], [[3, 4]], [[1, 1]], [[9, 2]]];

describe.each(FORMS)('%s', (_, resize) => {
  it.each(SIZES)('from 4×6 to %j has the same output and gradient on both backends', async (size) => {
    await expectSameOnBothBackends(() => withGradients((x) => resize(x, size), [drawn('x', [2, 4, 6, 3])]));
  });

  it('has the gradient of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    expectFiniteDifferences((x) => resize(x, [5, 7]), drawn('x', [2, 3, 4, 2]), 0.5, 1e-4);
  });

  it('refuses sizes that are none, with the shapes', async () => {
    await selectBackend({backend: 'torch'});
    expect(() => resize(drawn('x', [1, 4, 4, 3]), [0, 8])).toThrow(
      /^resize\w+: cannot resize input \[1,4,4,3\] to \[0,8\]/,
    );
  });
});

describe.each<BackendName>(['torch', 'cpu'])('on %s', (backend) => {
  const row = (y: tf.Tensor) => [...y.dataSync<'float32'>()];
  const x = () => tf.tensor4d([0, 4, 8], [1, 1, 3, 1]);

  it('resizeBilinear counts from the edges, and repeats the border', async () => {
    await selectBackend({backend});
    expect(row(resizeBilinear(x(), [1, 6]))).toEqual([0, 1, 3, 5, 7, 8]);
  });

  it('resizeBilinear with aligned corners keeps the first and the last value', async () => {
    await selectBackend({backend});
    expect(row(resizeBilinear(x(), [1, 5], {alignCorners: true}))).toEqual([0, 2, 4, 6, 8]);
  });

  it('resizeNearest rounds positions down', async () => {
    await selectBackend({backend});
    expect(row(resizeNearest(x(), [1, 5]))).toEqual([0, 0, 4, 4, 8]);
    expect(row(resizeNearest(x(), [1, 2]))).toEqual([0, 4]);
  });
});
