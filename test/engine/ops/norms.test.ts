/** @file Lengths, copies and moving averages of many tensors at once, on both backends. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {copies} from '../../../src/engine/ops/copies.js';
import {decayWeights} from '../../../src/engine/ops/decayWeights.js';
import {moveAverages} from '../../../src/engine/ops/movingAverage.js';
import {norms} from '../../../src/engine/ops/norms.js';
import {drawn} from '../compare.js';

describe.each<BackendName>(['torch', 'cpu'])('norms on %s', (backend) => {
  it('are the roots of the sums of squares', async () => {
    await selectBackend({backend});
    const tensors = [
      tf.tensor2d([
        [3, 0],
        [0, -4],
      ]),
      tf.scalar(-2),
      drawn('norms', [3, 3, 4, 5]),
      tf.zeros([2]),
    ];
    const {numTensors} = tf.memory();
    const found = norms(tensors);
    const plain = Math.hypot(...tensors[2].dataSync<'float32'>());
    [5, 2, plain, 0].forEach((value, i) => {
      expect(found.dataSync()[i]).toBeCloseTo(value, 4);
    });
    expect(found.shape).toEqual([4]);
    found.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('tell of one element that is %d', async (value) => {
    await selectBackend({backend});
    const [good, bad] = norms([tf.tensor1d([1, 2]), tf.tensor1d([...Array(40).fill(1), value])]).dataSync();
    expect(good).toBeCloseTo(Math.sqrt(5), 6);
    expect(Number.isFinite(bad)).toBe(false);
  });

  it('of nothing are nothing', async () => {
    await selectBackend({backend});
    expect(norms([]).shape).toEqual([0]);
  });
});

describe.each<BackendName>(['torch', 'cpu'])('copies on %s', (backend) => {
  it('have the values, and keep them when the tensors are changed in place', async () => {
    await selectBackend({backend});
    const tensors = [tf.variable(tf.tensor1d([1, -0])), tf.variable(drawn('copies', [3, 3, 2, 4]))];
    const before = tensors.map((tensor) => tensor.dataSync().slice());
    const {numTensors} = tf.memory();
    const found = copies(tensors);
    decayWeights({parameters: tensors, learningRate: 1, weightDecay: 0.5});
    expect(found.map((copy) => copy.dataSync())).toEqual(before);
    expect(found.map(({shape}) => shape)).toEqual(tensors.map(({shape}) => shape));
    tf.dispose(found);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(copies([])).toEqual([]);
  });
});

describe.each<BackendName>(['torch', 'cpu'])('moveAverages on %s', (backend) => {
  it('moves every average a share of the way to its value, in place', async () => {
    await selectBackend({backend});
    const averages = [tf.variable(tf.tensor1d([1, 10])), tf.variable(drawn('averages', [3, 3, 2, 4]))];
    const values = [tf.variable(tf.tensor1d([3, 0])), tf.variable(drawn('values', [3, 3, 2, 4]))];
    const before = averages.map((average) => average.dataSync<'float32'>().slice());
    const {numTensors} = tf.memory();
    moveAverages({averages, values, share: 0.25});
    expect(tf.memory().numTensors).toBe(numTensors);
    averages.forEach((average, i) => {
      const towards = values[i].dataSync<'float32'>();
      average.dataSync<'float32'>().forEach((value, at) => {
        expect(value).toBeCloseTo(0.75 * before[i][at] + 0.25 * towards[at], 5);
      });
    });
    expect([...averages[0].dataSync()]).toEqual([1.5, 7.5]);
  });

  it('leaves an average that has arrived as it is, to the bit', async () => {
    await selectBackend({backend});
    const [average, value] = [1, 2].map(() => tf.variable(drawn('same', [50])));
    const before = average.dataSync().slice();
    moveAverages({averages: [average], values: [value], share: 0.3});
    expect(average.dataSync()).toEqual(before);
  });
});
