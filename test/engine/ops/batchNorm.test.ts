/** @file Batch normalisation: output, gradients and running statistics on both backends and by finite differences. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {
  type BatchNormState,
  batchNormInference,
  batchNormTraining,
} from '../../../src/engine/ops/batchNorm.js';
import {convolution} from '../../../src/engine/ops/convolution.js';
import {withPrecision} from '../../../src/engine/precision.js';
import type {TorchBackend} from '../../../src/engine/torch/backend.js';
import {
  distance,
  drawn,
  expectFiniteDifferences,
  expectSameOnBothBackends,
  withGradients,
} from '../compare.js';

const OPTIONS = {momentum: 0.1, epsilon: 1e-5};
const CHANNELS = 3;

/** Running statistics as a layer begins with, and scale and offset that are not those. */
function makeState(channels = CHANNELS): BatchNormState {
  return {
    scale: drawn('scale', [channels]),
    offset: drawn('offset', [channels]),
    runningMean: tf.variable(tf.zeros([channels]), false),
    runningVariance: tf.variable(tf.ones([channels]), false),
  };
}

type Training = (x: tf.Tensor4D, state: BatchNormState, residual: tf.Tensor4D) => tf.Tensor4D;

const TRAINING: [string, Training][] = [
  ['batchNormTraining', (x, state) => batchNormTraining(x, state, OPTIONS)],
  ['batchNormTraining with ReLU', (x, state) => batchNormTraining(x, state, OPTIONS, 'relu')],
  ['batchNormTraining with SiLU', (x, state) => batchNormTraining(x, state, OPTIONS, 'silu')],
  [
    'batchNormTraining with a residual and ReLU',
    (x, state, residual) => batchNormTraining(x, state, OPTIONS, 'relu', residual),
  ],
];

/** The output of a normalisation of x, and its gradients by x, scale, offset and residual. */
function outputAndGradients(normalize: Training, x: tf.Tensor4D): tf.Tensor[] {
  const state = makeState(x.shape[3]);
  const f = (...[x, scale, offset, residual]: tf.Tensor[]) =>
    tf.add(
      normalize(
        x as tf.Tensor4D,
        {...state, scale: scale as tf.Tensor1D, offset: offset as tf.Tensor1D},
        residual as tf.Tensor4D,
      ),
      tf.mul(residual, 0.5),
    );
  const results = withGradients(f, [x, state.scale, state.offset, drawn('residual', x.shape)]);
  tf.dispose([state.runningMean, state.runningVariance]);
  return results;
}

describe.each(TRAINING)('%s', (_, normalize) => {
  // Narrow rows and wide ones, whole vectors and parts of them.
  it.each([
    [2, 4, 6, 3],
    [3, 5, 7, 3],
    [1, 1, 5, 3],
    [2, 13, 11, 1],
    [2, 13, 11, 8],
    [2, 13, 11, 17],
    [2, 13, 11, 116],
    [2, 13, 11, 130],
    [2, 13, 11, 256],
  ])('over %i × %i × %i × %i values has the same output and gradients on both backends', async (...shape) => {
    await expectSameOnBothBackends(() => outputAndGradients(normalize, drawn('x', shape)), 2e-4);
  });

  it.each([8, 17, 32, 130])(
    'of %i channels in bfloat16 is that of float32, but for rounding',
    async (channels) => {
      await selectBackend({backend: 'torch'});
      withPrecision('bf16', () => {
        const image = drawn('image', [2, 13, 11, 4]) as tf.Tensor4D;
        const weight = drawn('weight', [1, 1, 4, channels]) as tf.Tensor4D;
        const half = convolution(image, weight, null, {stride: 1, padding: 0, dilation: 1, groups: 1});
        const full = tf.tensor4d(half.dataSync(), half.shape);
        const [actual, expected] = [half, full].map((x) => outputAndGradients(normalize, x));
        const isHalf = ([, byInput]: tf.Tensor[]) => (tf.backend() as TorchBackend).isHalf(byInput);
        expect([actual, expected].map(isHalf)).toEqual([true, false]);
        // Where a sum is next to 0, rounding decides whether ReLU lets its gradient through.
        for (const [i, result] of actual.entries()) expect(distance(result, expected[i])).toBeLessThan(0.03);
      });
    },
  );

  it('moves the running statistics alike on both backends', async () => {
    await expectSameOnBothBackends(() => {
      const state = makeState();
      const shape: [number, number, number, number] = [2, 3, 5, CHANNELS];
      for (const name of ['first', 'second']) normalize(drawn(name, shape), state, drawn('residual', shape));
      const variables = [state.runningMean, state.runningVariance];
      const results = variables.map((variable) => tf.add(variable, 0));
      tf.dispose(variables);
      return results;
    });
  });

  it('refuses parameters of another number of channels, with the shapes', async () => {
    await selectBackend({backend: 'torch'});
    const shape: [number, number, number, number] = [1, 2, 2, 4];
    const operation = () => normalize(drawn('x', shape), makeState(), drawn('residual', shape));
    expect(operation).toThrow('batchNorm: input [1,2,2,4] does not fit statistics of shape [3]');
  });
});

describe('batchNormTraining', () => {
  it.each(['none', 'silu'] as const)('with %s has the gradient of finite differences', async (activation) => {
    await selectBackend({backend: 'torch'});
    const f = (x: tf.Tensor) => batchNormTraining(x as tf.Tensor4D, makeState(), OPTIONS, activation);
    expectFiniteDifferences(f, drawn('x', [2, 3, 3, CHANNELS]), 1e-2, 2e-3);
  });

  it('has the exact statistics of values far from zero, over many blocks', async () => {
    await selectBackend({backend: 'torch'});
    const shape: [number, number, number, number] = [4, 61, 47, 7];
    const state: BatchNormState = {
      ...{scale: tf.ones([7]), offset: tf.zeros([7])},
      ...{runningMean: tf.variable(tf.zeros([7]), false), runningVariance: tf.variable(tf.zeros([7]), false)},
    };
    const x = tf.add(drawn('far', shape), 1000) as tf.Tensor4D;
    batchNormTraining(x, state, {momentum: 1, epsilon: 1e-5});
    const values = x.dataSync();
    const count = values.length / 7;
    for (let c = 0; c < 7; c++) {
      const channel = Array.from({length: count}, (_, i) => values[i * 7 + c]);
      const mean = channel.reduce((sum, value) => sum + value, 0) / count;
      const variance = channel.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
      expect(Math.abs(state.runningMean.dataSync()[c] / mean - 1)).toBeLessThan(1e-6);
      expect(Math.abs(state.runningVariance.dataSync()[c] / variance - 1)).toBeLessThan(1e-5);
    }
  });
});

describe.each<BackendName>(['torch', 'cpu'])('batchNormTraining with a residual on %s', (backend) => {
  it('is the same as its steps one by one, and keeps x and the residual as they were', async () => {
    await selectBackend({backend});
    const shape: [number, number, number, number] = [2, 3, 5, CHANNELS];
    const [x, residual] = [drawn('x', shape), drawn('residual', shape)] as tf.Tensor4D[];
    const fused = batchNormTraining(x, makeState(), OPTIONS, 'relu', residual);
    const plain = tf.relu(tf.add(batchNormTraining(x, makeState(), OPTIONS), residual));
    const expected = plain.dataSync();
    fused.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 5);
    });
    expect(x.dataSync()).toEqual(drawn('x', shape).dataSync());
    expect(residual.dataSync()).toEqual(drawn('residual', shape).dataSync());
  });

  it('refuses a residual of another shape, or without ReLU', async () => {
    await selectBackend({backend});
    const residual = drawn('residual', [1, 1, 1, CHANNELS]) as tf.Tensor4D;
    const x = drawn('x', [2, 3, 5, CHANNELS]) as tf.Tensor4D;
    const operation = () => batchNormTraining(x, makeState(), OPTIONS, 'relu', residual);
    expect(operation).toThrow('residual [1,1,1,3] does not fit input [2,3,5,3]');
    const withSilu = () => batchNormTraining(x, makeState(), OPTIONS, 'silu', x);
    expect(withSilu).toThrow('a residual goes with relu, not with silu');
  });
});

describe('batchNormInference', () => {
  it('has the same output and gradients on both backends', async () => {
    await expectSameOnBothBackends(() => {
      const state = makeState();
      state.runningMean.assign(drawn('mean', [CHANNELS]));
      state.runningVariance.assign(tf.abs(drawn('variance', [CHANNELS])));
      const f = (...[x, scale, offset]: tf.Tensor[]) => {
        const affine = {scale: scale as tf.Tensor1D, offset: offset as tf.Tensor1D};
        return batchNormInference(x as tf.Tensor4D, {...state, ...affine}, OPTIONS.epsilon);
      };
      const results = withGradients(f, [drawn('x', [2, 3, 4, CHANNELS]), state.scale, state.offset]);
      tf.dispose([state.runningMean, state.runningVariance]);
      return results;
    });
  });
});
