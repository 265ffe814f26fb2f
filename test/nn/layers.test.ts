/** @file Layers against numbers worked out by hand, and what they keep between calls. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {BatchNorm2d, Conv2d, ConvTranspose2d, MaxPool2d} from '../../src/nn/layers.js';
import {loadStateDict} from '../../src/nn/stateDict.js';

const BACKENDS: BackendName[] = ['torch', 'cpu'];

describe.each(BACKENDS)('layers on %s', (backend) => {
  it('Conv2d sums over its window, adds its bias and pads with zeros', async () => {
    await selectBackend({backend});
    const layer = new Conv2d(1, 1, 3, {padding: 1});
    layer.weight.variable.assign(tf.ones([3, 3, 1, 1]));
    layer.bias!.variable.assign(tf.tensor1d([0.5]));
    const y = layer.forward(tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]));
    expect([...y.dataSync()]).toEqual([10.5, 10.5, 10.5, 10.5]);
  });

  it('ConvTranspose2d adds up its kernel at every cell, and takes weights as PyTorch publishes them', async () => {
    await selectBackend({backend});
    const layer = new ConvTranspose2d(1, 2, 4, {stride: 2, padding: 1, bias: false});
    // One output sums up, the other has the first cell of the kernel alone: [inputs, outputs, rows, columns].
    const data = Float32Array.from({length: 32}, (_, i) => (i <= 16 ? 1 : 0));
    loadStateDict(layer, new Map([['weight', {dtype: 'F32', shape: [1, 2, 4, 4], data}]]), 'x.pth');
    const y = layer.forward(tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]));
    const [sums, firsts] = tf.unstack(y, 3).map((map) => map.arraySync());
    const rows = [
      [1, 3, 3, 2],
      [4, 10, 10, 6],
      [4, 10, 10, 6],
      [3, 7, 7, 4],
    ];
    expect(sums).toEqual([rows]);
    expect(firsts).toEqual([
      [
        [0, 0, 0, 0],
        [0, 4, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ]);
  });

  it('MaxPool2d takes the largest of every window', async () => {
    await selectBackend({backend});
    const x = tf.tensor4d([1, 5, 2, 4, 3, 0], [1, 2, 3, 1]);
    expect([...new MaxPool2d(2, {stride: 1}).forward(x).dataSync()]).toEqual([5, 5]);
    expect([...new MaxPool2d(3, {stride: 2, padding: 1}).forward(x).dataSync()]).toEqual([5, 5]);
  });

  it('BatchNorm2d normalises by the batch in training and moves its statistics by a tenth', async () => {
    await selectBackend({backend});
    const layer = new BatchNorm2d(1);
    // Mean 3, biased variance 5, unbiased 20/3.
    const x = tf.tensor4d([0, 2, 4, 6], [1, 2, 2, 1]);
    const y = layer.forward(x).dataSync();
    [-3, -1, 1, 3].forEach((deviation, i) => {
      expect(y[i]).toBeCloseTo(deviation / Math.sqrt(5 + 1e-5), 5);
    });
    expect(layer.running_mean.variable.dataSync()[0]).toBeCloseTo(0.3, 6);
    expect(layer.running_var.variable.dataSync()[0]).toBeCloseTo(0.9 + 20 / 30, 6);
    expect(layer.num_batches_tracked.value).toBe(1);
  });

  it('BatchNorm2d normalises by its running statistics in evaluation and leaves them', async () => {
    await selectBackend({backend});
    const layer = new BatchNorm2d(1).eval();
    layer.running_mean.variable.assign(tf.tensor1d([1]));
    layer.running_var.variable.assign(tf.tensor1d([4]));
    const y = layer.forward(tf.tensor4d([5, -1], [1, 1, 2, 1])).dataSync();
    expect(y[0]).toBeCloseTo(2, 5);
    expect(y[1]).toBeCloseTo(-1, 5);
    expect(layer.running_mean.variable.dataSync()[0]).toBe(1);
    expect(layer.num_batches_tracked.value).toBe(0);
  });

  it('BatchNorm2d refuses to train on one value a channel, and keeps its statistics', async () => {
    await selectBackend({backend});
    const layer = new BatchNorm2d(2);
    expect(() => layer.forward(tf.ones([1, 1, 1, 2]))).toThrow(/^train\.batchSize: .* one in \[1,1,1,2\]/);
    expect([...layer.running_var.variable.dataSync()]).toEqual([1, 1]);
    expect(layer.num_batches_tracked.value).toBe(0);
  });

  it('two BatchNorm2d made alike have statistics of their own', async () => {
    await selectBackend({backend});
    const [first, second] = [new BatchNorm2d(1), new BatchNorm2d(1)];
    first.forward(tf.tensor4d([1, 2], [1, 1, 2, 1]));
    expect(first.running_mean.variable.dataSync()[0]).toBeCloseTo(0.15, 6);
    expect(second.running_mean.variable.dataSync()[0]).toBe(0);
    expect(second.running_var.variable.dataSync()[0]).toBe(1);
  });
});
