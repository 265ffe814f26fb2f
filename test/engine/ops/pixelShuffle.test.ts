/** @file Pixel shuffle and its inverse: the order of channels, and output and gradient on both backends. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {pixelShuffle, pixelUnshuffle} from '../../../src/engine/ops/pixelShuffle.js';
import {drawn, expectFiniteDifferences, expectSameOnBothBackends, withGradients} from '../compare.js';

describe.each([
  ['pixelShuffle', pixelShuffle, [2, 3, 4]],
  ['pixelUnshuffle', pixelUnshuffle, [2, 6, 12]],
] as const)('%s', (name, operation, sizes) => {
  const shape = (factor: number) => [...sizes, name === 'pixelShuffle' ? 3 * factor ** 2 : 3];

  it.each([2, 3])('by %i has the same output and gradient on both backends', async (factor) => {
    await expectSameOnBothBackends(() =>
      withGradients((x) => operation(x as tf.Tensor4D, factor), [drawn('x', shape(factor))]),
    );
  });

  it('has the gradient of finite differences', async () => {
    await selectBackend({backend: 'torch'});
    expectFiniteDifferences((x) => operation(x as tf.Tensor4D, 2), drawn('x', shape(2)), 0.5, 1e-4);
  });

  it('refuses a shape that the factor does not divide', async () => {
    await selectBackend({backend: 'torch'});
    expect(() => operation(drawn('x', [1, 3, 3, 3]) as tf.Tensor4D, 2)).toThrow(
      `${name}: input [1,3,3,3] does not fit factor 2`,
    );
  });
});

describe.each<BackendName>(['torch', 'cpu'])('on %s', (backend) => {
  it('pixelShuffle lays each channel group out row by row, and pixelUnshuffle takes it back', async () => {
    await selectBackend({backend});
    const x = tf.tensor4d([0, 1, 2, 3, 10, 11, 12, 13], [1, 1, 1, 8]);
    const y = pixelShuffle(x, 2);
    expect(y.arraySync()).toEqual([
      [
        [
          [0, 10],
          [1, 11],
        ],
        [
          [2, 12],
          [3, 13],
        ],
      ],
    ]);
    expect(pixelUnshuffle(y, 2).dataSync()).toEqual(x.dataSync());
  });
});
