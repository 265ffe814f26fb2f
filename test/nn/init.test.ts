/** @file Initial weights: their distribution, and what they depend on. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {Embedding} from '../../src/nn/embedding.js';
import {constantDeviation, heDeviation, initializeLayers, torchDefault} from '../../src/nn/init.js';
import {BatchNorm2d, Conv2d, ConvTranspose2d} from '../../src/nn/layers.js';
import {Sequential} from '../../src/nn/sequential.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

it('draws convolutions from the normal distribution asked for, and leaves biases and normalisations', () => {
  const net = new Sequential(new Conv2d(64, 64, 3), new BatchNorm2d(64));
  initializeLayers(net, 7, constantDeviation(0.001));
  const values = net.namedParameters();
  const {mean, variance} = tf.moments(values.get('0.weight')!);
  // 36,864 draws: the mean's standard error is 5.2e-6, that of the deviation 3.7e-6.
  expect(Math.abs(mean.dataSync()[0])).toBeLessThan(3e-5);
  expect(Math.abs(Math.sqrt(variance.dataSync()[0]) - 0.001)).toBeLessThan(2e-5);
  expect(new Set(values.get('0.bias')!.dataSync())).toEqual(new Set([0]));
  expect(new Set(values.get('1.weight')!.dataSync())).toEqual(new Set([1]));
  expect(new Set(values.get('1.bias')!.dataSync())).toEqual(new Set([0]));
});

it('gives a layer the same weights whatever stands beside it, and others for another seed or name', () => {
  const weights = (net: Sequential, seed: number, name: string) => {
    initializeLayers(net, seed, constantDeviation(1));
    return [...net.namedParameters().get(name)!.dataSync()];
  };
  const alone = weights(new Sequential(new Conv2d(2, 2, 1)), 1, '0.weight');
  const besides = new Sequential(new Conv2d(2, 2, 1), new Conv2d(2, 2, 1));
  expect(weights(besides, 1, '0.weight')).toEqual(alone);
  expect(weights(besides, 1, '1.weight')).not.toEqual(alone);
  expect(weights(besides, 2, '0.weight')).not.toEqual(alone);
});

it("keeps a signal's variance through ReLU and convolution by He's rule, and starts a prediction near 0", () => {
  const net = new Sequential(
    new Conv2d(64, 64, 3, {bias: false}),
    new Conv2d(64, 8, 1, {isPrediction: true}),
  );
  initializeLayers(net, 7, heDeviation);
  const deviation = (name: string) =>
    Math.sqrt(tf.moments(net.namedParameters().get(name)!).variance.dataSync()[0]);
  expect(deviation('0.weight')).toBeCloseTo(Math.sqrt(2 / (9 * 64)), 3);
  expect(Math.abs(deviation('1.weight') - 0.001)).toBeLessThan(1e-4);
});

it('counts by He’s rule that a transposed convolution with a stride has fewer inputs for an output', () => {
  const net = new Sequential(new ConvTranspose2d(64, 32, 4, {stride: 2, padding: 1, bias: false}));
  initializeLayers(net, 7, heDeviation);
  const deviation = Math.sqrt(tf.moments(net.namedParameters().get('0.weight')!).variance.dataSync()[0]);
  // 32,768 draws: the standard error is 0.4 %.
  expect(Math.abs(deviation / Math.sqrt(2 / (2 * 2 * 64)) - 1)).toBeLessThan(0.015);
});

it("draws weights and biases from PyTorch's uniform distribution", () => {
  const net = new Sequential(new Conv2d(64, 64, 3));
  initializeLayers(net, 7, torchDefault);
  const limit = 1 / Math.sqrt(9 * 64);
  for (const name of ['0.weight', '0.bias']) {
    const values = [...net.namedParameters().get(name)!.dataSync()];
    const largest = Math.max(...values.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.9 * limit);
    // Of a uniform distribution's spread; the biases are 64 draws.
    expect(Math.hypot(...values) / Math.sqrt(values.length)).toBeCloseTo(limit / Math.sqrt(3), 2);
  }
});

it('draws the tables of embeddings from N(0, 1), whatever the layers are drawn from', () => {
  const table = new Embedding(128, 256);
  initializeLayers(table, 7, torchDefault);
  const {mean, variance} = tf.moments(table.weight.variable);
  // 32,768 draws: the standard errors are 0.0055 and 0.0078.
  expect(Math.abs(mean.dataSync()[0])).toBeLessThan(0.02);
  expect(Math.abs(variance.dataSync()[0] - 1)).toBeLessThan(0.03);
});
