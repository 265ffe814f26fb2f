/** @file The mean of squares: value and gradient as TensorFlow.js's own operations have them. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {selectBackend} from '../../src/engine/index.js';
import {meanSquare} from '../../src/losses/meanSquare.js';
import {drawn} from '../engine/compare.js';

describe.each(['torch', 'cpu'] as const)('on the backend %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({backend, threads: 1});
  });

  it.each([[[7]], [[2, 3, 5, 4]]])('of shape %j it is mean(x²), and 2x/n times what comes in', (shape) => {
    const x = tf.variable(drawn('x', shape));
    const values = x.dataSync<'float32'>();
    const mean = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
    const {value, gradients} = valueAndGradients(() => tf.mul(meanSquare(x), 3), [x]);
    expect(value.dataSync()[0]).toBeCloseTo(3 * mean, 5);
    gradients[0].dataSync().forEach((gradient, i) => {
      expect(gradient).toBeCloseTo((3 * 2 * values[i]) / values.length, 6);
    });
  });

  it('leaves nothing behind', () => {
    const x = tf.variable(drawn('x', [3, 4]));
    const before = tf.memory().numTensors;
    const {value, gradients} = valueAndGradients(() => meanSquare(x), [x]);
    tf.dispose([value, gradients]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
