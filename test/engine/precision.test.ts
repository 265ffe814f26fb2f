/** @file Mixed precision: bfloat16 between the layers, float32 at the ends, and results near those of float32. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {selectBackend} from '../../src/engine/index.js';
import {convolution} from '../../src/engine/ops/convolution.js';
import {currentPrecision, type Precision, withPrecision} from '../../src/engine/precision.js';
import type {TorchBackend} from '../../src/engine/torch/backend.js';
import {BatchNorm2d, Conv2d, ReLU} from '../../src/nn/layers.js';
import {Sequential} from '../../src/nn/sequential.js';
import {adamOf} from '../train/steps.js';
import {distance, drawn} from './compare.js';

const OPTIONS = {stride: 1, padding: 1, dilation: 1, groups: 1};
const image = () => drawn('image', [2, 8, 6, 3]) as tf.Tensor4D;

function isHalf(x: tf.Tensor): boolean {
  return (tf.backend() as TorchBackend).isHalf(x);
}

function net(): Sequential {
  const layers = [
    new Conv2d(3, 8, 3, {padding: 1, bias: false}),
    new BatchNorm2d(8),
    new ReLU(),
    new Conv2d(8, 4, 1),
  ];
  const model = new Sequential(...layers);
  for (const [name, variable] of model.namedParameters()) {
    if (variable.shape.length === 4) variable.assign(drawn(name, variable.shape));
  }
  return model;
}

function lossAndGradients(model: Sequential, precision: Precision) {
  return withPrecision(precision, () =>
    valueAndGradients(() => tf.mean<tf.Scalar>(tf.square(model.forward(image()))), model.parameters()),
  );
}

describe('mixed precision', () => {
  beforeAll(async () => {
    await selectBackend({backend: 'torch'});
  });

  it('holds within its scope, errors included', () => {
    expect(withPrecision('bf16', currentPrecision)).toBe('bf16');
    expect(() =>
      withPrecision('bf16', () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(currentPrecision()).toBe('fp32');
  });

  it('a convolution gives bfloat16 that reads as float32, within its three digits', () => {
    const weight = drawn('weight', [3, 3, 3, 5]) as tf.Tensor4D;
    const bias = drawn('bias', [5]) as tf.Tensor1D;
    const exact = convolution(image(), weight, bias, OPTIONS);
    const y = withPrecision('bf16', () => convolution(image(), weight, bias, OPTIONS));
    expect([isHalf(exact), isHalf(y)]).toEqual([false, true]);
    expect(y.dtype).toBe('float32');
    expect(distance(y, exact)).toBeLessThan(2 ** -7);
    expect(distance(y, exact)).toBeGreaterThan(0);
  });

  it('kernels that know nothing of it compute in float32', () => {
    const y = withPrecision('bf16', () =>
      convolution(image(), drawn('weight', [3, 3, 3, 5]) as tf.Tensor4D, null, OPTIONS),
    );
    for (const result of [tf.softmax(y), tf.sum(y), tf.exp(y), tf.reshape(y, [-1]), tf.add(y, 1)])
      expect(isHalf(result)).toBe(false);
    expect(isHalf(tf.add(y, y))).toBe(true);
    expect(isHalf(tf.greater(y, y))).toBe(false);
    expect(tf.greater(y, y).dtype).toBe('bool');
  });

  it('a step has gradients near those of float32, in float32, and moves the weights likewise', () => {
    const model = net();
    const exact = lossAndGradients(model, 'fp32');
    const mixed = lossAndGradients(model, 'bf16');
    expect(Math.abs(mixed.value.dataSync()[0] / exact.value.dataSync()[0] - 1)).toBeLessThan(0.01);
    mixed.gradients.forEach((gradient, i) => {
      expect(isHalf(gradient)).toBe(false);
      expect(distance(gradient, exact.gradients[i])).toBeLessThan(0.03);
    });
    const before = lossAndGradients(model, 'bf16').value.dataSync()[0];
    adamOf(model).step(mixed.gradients, 0.1);
    // The copies of the weights in bfloat16 must be those of the new ones.
    const after = lossAndGradients(model, 'bf16').value.dataSync()[0];
    expect(after).not.toBe(before);
    expect(Math.abs(after / lossAndGradients(model, 'fp32').value.dataSync()[0] - 1)).toBeLessThan(0.01);
    for (const parameter of model.parameters()) expect(isHalf(parameter)).toBe(false);
  });
});
