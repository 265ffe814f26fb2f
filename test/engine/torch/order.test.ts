/** @file Between convolutions tensors stay in libtorch's order of axes, through every operator and its gradient. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {gelu, hardSigmoid, hardSwish, silu} from '../../../src/engine/ops/activations.js';
import {convolution} from '../../../src/engine/ops/convolution.js';
import {gridSample} from '../../../src/engine/ops/gridSample.js';
import {pixelShuffle, pixelUnshuffle} from '../../../src/engine/ops/pixelShuffle.js';
import {adaptiveAveragePool, averagePool, maxPool} from '../../../src/engine/ops/pooling.js';
import {resizeBilinear, resizeNearest} from '../../../src/engine/ops/resize.js';
import {transposedConvolution} from '../../../src/engine/ops/transposedConvolution.js';
import type {TorchBackend} from '../../../src/engine/torch/backend.js';
import {NCHW} from '../../../src/engine/torch/layout.js';
import {drawn} from '../compare.js';

const WINDOW = {kernel: 2, stride: 2, padding: 0};
const TRANSPOSED = {stride: 2, padding: 1, outputPadding: 0, groups: 1};

const OPERATORS: [string, (x: tf.Tensor4D) => tf.Tensor4D][] = [
  ['silu', silu],
  ['gelu', gelu],
  ['hardSigmoid', hardSigmoid],
  ['hardSwish', hardSwish],
  ['maxPool', (x) => maxPool(x, WINDOW)],
  ['averagePool', (x) => averagePool(x, WINDOW)],
  ['adaptiveAveragePool', (x) => adaptiveAveragePool(x, [2, 3])],
  ['resizeBilinear', (x) => resizeBilinear(x, [8, 12])],
  ['resizeNearest', (x) => resizeNearest(x, [8, 12])],
  ['gridSample', (x) => gridSample(x, drawn('grid', [2, 5, 7, 2]))],
  ['pixelShuffle', (x) => pixelShuffle(x, 2)],
  ['pixelUnshuffle', (x) => pixelUnshuffle(x, 2)],
  ['transposedConvolution', (x) => transposedConvolution(x, drawn('up', [4, 4, 5, 8]), null, TRANSPOSED)],
];

describe('after a convolution', () => {
  it.each(OPERATORS)('%s and its gradient stay in that order', async (_, operation) => {
    await selectBackend({backend: 'torch'});
    const torch = tf.backend() as TorchBackend;
    tf.tidy(() => {
      const options = {stride: 1, padding: 1, dilation: 1, groups: 1};
      const x = convolution(drawn('x', [2, 4, 6, 3]), drawn('weight', [3, 3, 3, 8]), null, options);
      const y = operation(x);
      expect(torch.hasView(y, NCHW)).toBe(true);
      const dy = tf.mul(y, 2);
      const dx = tf.grad((input: tf.Tensor) => operation(input as tf.Tensor4D))(x, dy);
      expect(torch.hasView(dx, NCHW)).toBe(true);
    });
  });
});
