/** @file Pooling: output and gradient on both backends and by finite differences, ties and borders included. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../../src/engine/gradients.js';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {
  adaptiveAveragePool,
  averagePool,
  maxPool,
  type PoolingOptions,
} from '../../../src/engine/ops/pooling.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

type Pool = (x: tf.Tensor, options: PoolingOptions) => tf.Tensor;

const FORMS: [string, Pool][] = [
  ['maxPool', (x, options) => maxPool(x as tf.Tensor4D, options)],
  ['averagePool', (x, options) => averagePool(x as tf.Tensor4D, options)],
  [
    'averagePool without counting the padding',
    (x, options) => averagePool(x as tf.Tensor4D, {...options, countPadding: false}),
  ],
];

const WINDOWS: PoolingOptions[] = [
  {kernel: 2, stride: 2, padding: 0},
  {kernel: 3, stride: 2, padding: 1},
  {kernel: 3, stride: 1, padding: 1},
  {kernel: 5, stride: 1, padding: 2},
  {kernel: 3, stride: 3, padding: 0},
];

describe.each(FORMS)('%s', (_, pool) => {
  it.each(WINDOWS)('over %j has the same output and gradient on both backends', async (window) => {
    await expectSameOnBothBackends(() => withGradients((x) => pool(x, window), [drawn('x', [2, 7, 8, 3])]));
  });

  it('has the gradient of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    const window = {kernel: 3, stride: 2, padding: 1};
    expectFiniteDifferences((x) => pool(x, window), drawn('x', [1, 5, 6, 2]), 1e-2, 2e-3);
  });

  it.each([
    [{kernel: 5, stride: 1, padding: 0}, 'kernel 5, stride 1, padding 0'],
    [{kernel: 2, stride: 1, padding: 2}, 'kernel 2, stride 1, padding 2'],
  ])('refuses a window that does not fit: %j', async (window, words) => {
    await selectBackend({backend: 'torch'});
    const operation = () => pool(drawn('x', [1, 4, 6, 3]), window);
    expect(operation).toThrow(new RegExp(`^\\w+Pool: input \\[1,4,6,3\\] does not fit ${words}`));
  });
});

describe('maxPool in a training step', () => {
  it('holds its positions until the backward pass, and nothing of its input', async () => {
    await selectBackend({backend: 'torch'});
    const weight = tf.tidy(() => tf.variable(tf.scalar(2)));
    const [window, cells] = [{kernel: 2, stride: 2, padding: 0}, 32 * 32];
    let held = 0;
    const before = tf.memory().numBytes;
    const {value, gradients} = valueAndGradients(() => {
      const pooled = tf.tidy(() => maxPool(tf.mul(tf.ones([1, 32, 32, 1]), weight), window));
      held = tf.memory().numBytes - before;
      return tf.sum(pooled);
    }, [weight]);
    // The product's own operand, the pooled values and their positions, and the scalar of the product.
    expect(held).toBeLessThanOrEqual(4 * (cells + cells / 4 + cells / 4 + 1));
    expect(gradients[0].dataSync()[0]).toBe(cells / 4);
    tf.dispose([weight, value, gradients]);
  });
});

describe.each<BackendName>(['torch', 'cpu'])('on %s', (backend) => {
  it('maxPool gives the gradient of a tie to the first', async () => {
    await selectBackend({backend});
    const x = tf.zeros<tf.Rank.R4>([1, 2, 4, 1]);
    const f = (input: tf.Tensor) => maxPool(input as tf.Tensor4D, {kernel: 2, stride: 2, padding: 0});
    const dx = tf.grad(f)(x, tf.tensor4d([3, 5], [1, 1, 2, 1]));
    expect([...dx.dataSync()]).toEqual([3, 0, 5, 0, 0, 0, 0, 0]);
  });

  it('maxPool does not take its padding for values', async () => {
    await selectBackend({backend});
    const y = maxPool(tf.fill<tf.Rank.R4>([1, 2, 2, 1], -7), {kernel: 3, stride: 2, padding: 1});
    expect([...y.dataSync()]).toEqual([-7]);
  });

  it('averagePool counts the padding as zeros unless told otherwise', async () => {
    await selectBackend({backend});
    const window = {kernel: 3, stride: 2, padding: 1};
    const x = tf.fill<tf.Rank.R4>([1, 2, 2, 1], 9);
    expect(averagePool(x, window).dataSync()[0]).toBeCloseTo(4, 5);
    expect(averagePool(x, {...window, countPadding: false}).dataSync()[0]).toBeCloseTo(9, 5);
  });

  it('adaptiveAveragePool lets cells overlap where the sizes do not divide', async () => {
    await selectBackend({backend});
    const y = adaptiveAveragePool(tf.tensor4d([1, 2, 4, 8, 16], [1, 1, 5, 1]), [1, 3]);
    // Columns 0–1, 1–3 and 3–4.
    [1.5, 14 / 3, 12].forEach((expected, i) => {
      expect(y.dataSync()[i]).toBeCloseTo(expected, 5);
    });
  });
});

describe('adaptiveAveragePool', () => {
  const apply = (size: readonly [number, number]) => (x: tf.Tensor) =>
    adaptiveAveragePool(x as tf.Tensor4D, size);

  it.each<[readonly [number, number]]>([[[1, 1]], [[2, 2]], [[3, 5]], [[7, 8]], [[9, 3]], [[1, 4]]])(
    'from 7×8 to %j has the same output and gradient on both backends',
    async (size) => {
      await expectSameOnBothBackends(() => withGradients(apply(size), [drawn('x', [2, 7, 8, 3])]));
    },
  );

  it('has the gradient of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    expectFiniteDifferences(apply([2, 3]), drawn('x', [2, 3, 5, 2]), 0.5, 1e-4);
  });

  it('refuses sizes that are none, with the shapes', async () => {
    await selectBackend({backend: 'torch'});
    expect(() => apply([0, 1])(drawn('x', [1, 4, 4, 3]))).toThrow(
      'adaptiveAveragePool: cannot pool input [1,4,4,3] to [0,1]',
    );
  });
});
