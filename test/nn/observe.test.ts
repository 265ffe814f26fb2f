/** @file Looking into a network while it runs: what a layer gives, with its gradient, and nothing left behind. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, expect, it} from 'vitest';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {selectBackend} from '../../src/engine/index.js';
import {initializeLayers, torchDefault} from '../../src/nn/init.js';
import {Conv2d} from '../../src/nn/layers.js';
import {tapped} from '../../src/nn/observe.js';
import {Sequential} from '../../src/nn/sequential.js';
import {drawn} from '../engine/compare.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const first = new Conv2d(3, 4, 1);
const second = new Conv2d(4, 5, 3, {padding: 1});
const net = new Sequential(first, second);
const images = () => drawn<tf.Rank.R4>('images', [2, 4, 3, 3]);

it('takes what a layer gives on the way, and the result as it is without', () => {
  initializeLayers(net, 1, torchDefault);
  const {result, output} = tapped(first, () => net.forward(images()));
  expect(output!.dataSync()).toEqual(first.forward(images()).dataSync());
  expect(result.dataSync()).toEqual(net.forward(images()).dataSync());
});

it('lets a gradient through, to the layers before it alone', () => {
  initializeLayers(net, 1, torchDefault);
  const loss = () => tf.sum<tf.Scalar>(tf.square(tapped(first, () => net.forward(images())).output!));
  const direct = () => tf.sum<tf.Scalar>(tf.square(first.forward(images())));
  const gradientOf = (f: () => tf.Scalar) => valueAndGradients(f, first.parameters()).gradients[0].dataSync();
  expect(gradientOf(loss)).toEqual(gradientOf(direct));
  expect(() => valueAndGradients(loss, second.parameters())).toThrow('no gradient reaches');
});

it('keeps nothing, whether all goes well or not', () => {
  const x = images();
  const fail = () => {
    net.forward(x);
    throw new Error('mine');
  };
  const before = tf.memory().numTensors;
  tf.tidy(() => void tapped(first, () => net.forward(x)));
  expect(() => tf.tidy(() => void tapped(first, fail))).toThrow('mine');
  expect(tf.memory().numTensors).toBe(before);
});

it('says that a layer was not run', () => {
  expect(tapped(new Conv2d(3, 4, 1), () => 1)).toEqual({result: 1, output: null});
});
