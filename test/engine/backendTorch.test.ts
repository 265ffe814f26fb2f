/** @file A TensorFlow.js program that knows nothing of Posecraft: a Layers model, trained on torch and on cpu. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {drawn} from './compare.js';

const CLASSES = 3;

function classifier(): tf.Sequential {
  const kernel = (seed: number) => tf.initializers.glorotUniform({seed});
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [8, 8, 2],
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        // Its gradient would be rounding alone, as the normalisation takes it away; Adam would make steps of that.
        useBias: false,
        kernelInitializer: kernel(1),
      }),
      tf.layers.batchNormalization(),
      tf.layers.reLU(),
      tf.layers.maxPooling2d({poolSize: 2}),
      tf.layers.separableConv2d({
        filters: 6,
        kernelSize: 3,
        depthwiseInitializer: kernel(2),
        pointwiseInitializer: kernel(3),
      }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({units: CLASSES, activation: 'softmax', kernelInitializer: kernel(4)}),
    ],
  });
  model.compile({optimizer: tf.train.adam(0.02), loss: 'categoricalCrossentropy', metrics: ['accuracy']});
  return model;
}

/** The losses of the epochs, and the predictions afterwards. */
async function train(): Promise<{losses: number[]; predictions: number[]}> {
  const model = classifier();
  const x = drawn('x', [24, 8, 8, 2]);
  const labels = tf.tensor1d([...Array(24).keys()].map((i) => i % CLASSES)).toInt();
  const y = tf.oneHot(labels, CLASSES);
  const {history} = await model.fit(x, y, {epochs: 8, batchSize: 8, shuffle: false, verbose: 0});
  const predictions = [...(model.predict(x) as tf.Tensor).dataSync()];
  return {losses: history.loss as number[], predictions};
}

describe('import "posecraft/backend-torch"', () => {
  it('trains a Layers model on torch as the cpu backend does', async () => {
    await import('../../src/engine/backendTorch.js');
    expect(tf.getBackend()).toBe('torch');
    const torch = await train();
    await tf.setBackend('cpu');
    const cpu = await train();
    expect(torch.losses.at(-1)).toBeLessThan(torch.losses[0]);
    torch.losses.forEach((loss, i) => {
      expect(Math.abs(loss - cpu.losses[i])).toBeLessThan(1e-4);
    });
    torch.predictions.forEach((probability, i) => {
      expect(Math.abs(probability - cpu.predictions[i])).toBeLessThan(1e-5);
    });
  });
});
