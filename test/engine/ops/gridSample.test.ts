/** @file Sampling on a grid: output and gradients on both backends and by finite differences, and positions by hand. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {type GridSampleOptions, gridSample} from '../../../src/engine/ops/gridSample.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

const apply =
  (options: GridSampleOptions) =>
  (...[x, grid]: tf.Tensor[]) =>
    gridSample(x as tf.Tensor4D, grid as tf.Tensor4D, options);

const FORMS: GridSampleOptions[] = [
  {padding: 'zeros', alignCorners: false},
  {padding: 'zeros', alignCorners: true},
  {padding: 'border', alignCorners: false},
  {padding: 'border', alignCorners: true},
];

const operands = () => [drawn('x', [2, 4, 5, 3]), drawn('grid', [2, 6, 7, 2])];

describe.each(FORMS)('gridSample with %j', (options) => {
  it('has the same output and gradients on both backends, far outside included', async () => {
    await expectSameOnBothBackends(() => withGradients(apply(options), operands()), 1e-4);
  });

  it('has the same output and gradients on both backends where positions are whole', async () => {
    await expectSameOnBothBackends(() => {
      const [x] = operands();
      const [down, across] = tf.meshgrid(tf.linspace(-1, 1, 5), tf.linspace(-1, 1, 4), {indexing: 'xy'});
      const grid = tf.tile(tf.expandDims(tf.stack([down, across], 2), 0), [2, 1, 1, 1]);
      return withGradients(apply(options), [x, grid]);
    }, 1e-4);
  });

  it('has the gradients of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    const [x, grid] = operands();
    expectFiniteDifferences((moved) => apply(options)(moved, grid), x, 0.5, 1e-4);
    expectFiniteDifferences((moved) => apply(options)(x, moved), grid, 1e-3, 2e-3);
  });
});

describe.each<BackendName>(['torch', 'cpu'])('gridSample on %s', (backend) => {
  const sample = (position: number, options: GridSampleOptions) =>
    gridSample(
      tf.tensor4d([10, 20, 40], [1, 1, 3, 1]),
      tf.tensor4d([position, 0], [1, 1, 1, 2]),
      options,
    ).dataSync()[0];

  it('takes ±1 for the edges of the image, or for the outermost centres', async () => {
    await selectBackend({backend});
    expect(sample(0, {})).toBeCloseTo(20, 4);
    expect(sample(2 / 3, {})).toBeCloseTo(40, 4);
    expect(sample(1, {alignCorners: true})).toBeCloseTo(40, 4);
    expect(sample(0.5, {alignCorners: true})).toBeCloseTo(30, 4);
  });

  it('mixes with zeros outside, or repeats the border', async () => {
    await selectBackend({backend});
    expect(sample(1, {})).toBeCloseTo(20, 4);
    expect(sample(1, {padding: 'border'})).toBeCloseTo(40, 4);
    expect(sample(-5, {})).toBe(0);
    expect(sample(-5, {padding: 'border'})).toBeCloseTo(10, 4);
  });
});

describe('gridSample', () => {
  it.each([
    [[1, 4, 4, 2], 'another batch'],
    [[2, 4, 4, 3], 'three coordinates'],
  ])('refuses a grid of shape %j: %s', async (shape) => {
    await selectBackend({backend: 'torch'});
    expect(() => apply({})(drawn('x', [2, 4, 5, 3]), drawn('grid', shape))).toThrow(
      `gridSample: grid [${shape}] does not fit input [2,4,5,3]`,
    );
  });
});
