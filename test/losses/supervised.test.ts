/** @file The loss over several outputs against the losses of each. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {createLoss} from '../../src/losses/create.js';
import {heatmapMse} from '../../src/losses/heatmapMse.js';
import {supervisedLoss, supervisedTerms} from '../../src/losses/supervised.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const mse = createLoss({type: 'heatmap', sigma: 2, codec: 'msra', finalConvKernel: 1, ohkm: null});

describe('supervisedLoss', () => {
  const maps = (value: number) => tf.fill([2, 3, 4, 5], value) as tf.Tensor4D;

  it('adds up the losses of all outputs by their weights', () => {
    const outputs = [
      {outputs: [maps(1)], weight: 1},
      {outputs: [maps(3)], weight: 1.5},
    ];
    // Half the squares of 1 and 3.
    const loss = supervisedLoss(mse, outputs, [maps(0)], tf.ones([2, 5]));
    expect(loss.dataSync()[0]).toBeCloseTo(0.5 + 1.5 * 4.5, 5);
    expect(loss.shape).toEqual([]);
  });

  it('compares an output with its own targets, where it brings some', () => {
    const outputs = [
      {outputs: [maps(1)], weight: 1},
      {outputs: [maps(3)], weight: 2, targets: [maps(1)]},
    ];
    const loss = supervisedLoss(mse, outputs, [maps(0)], tf.ones([2, 5]));
    expect(loss.dataSync()[0]).toBeCloseTo(0.5 + 2 * 2, 5);
  });

  it('tells what those with a name add to the sum', () => {
    const outputs = [
      {outputs: [maps(1)], weight: 1, name: 'first'},
      {outputs: [maps(2)], weight: 1},
      {outputs: [maps(3)], weight: 2, name: 'last'},
    ];
    const {value, terms} = supervisedTerms(mse, outputs, [maps(0)], tf.ones([2, 5]));
    const numbers = Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]]);
    expect(numbers).toEqual([
      ['first', expect.closeTo(0.5, 5)],
      ['last', expect.closeTo(9, 5)],
    ]);
    expect(value.dataSync()[0]).toBeCloseTo(0.5 + 2 + 9, 5);
  });

  it('of one output is its loss, to the bit', () => {
    const [heatmaps, targets] = [tf.randomNormal([2, 3, 4, 5], 0, 1, 'float32', 1) as tf.Tensor4D, maps(0.3)];
    const weights = tf.tensor2d([1, 0, 1, 1, 1, 0, 1, 1, 1, 0], [2, 5]);
    const loss = supervisedLoss(mse, [{outputs: [heatmaps], weight: 1}], [targets], weights);
    expect(loss.dataSync()).toEqual(heatmapMse(heatmaps, targets, weights).dataSync());
  });
});
