/** @file Where the gradient stops: both differentiations see the rest alone. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../../src/engine/gradients.js';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {detached} from '../../../src/engine/ops/detached.js';

describe.each<BackendName>(['torch', 'cpu'])('detached on %s', (backend) => {
  it('keeps the value and lets no gradient through', async () => {
    await selectBackend({backend});
    const x = tf.variable(tf.tensor1d([2, 3]));
    // x²·[x²]: with the bracket constant, the derivative is 2x·x² instead of 4x³.
    const f = () => tf.sum<tf.Scalar>(tf.mul(tf.square(x), detached(tf.square(x))));
    const {value, gradients} = valueAndGradients(f, [x]);
    expect(value.dataSync()[0]).toBe(16 + 81);
    expect([...gradients[0].dataSync()]).toEqual([16, 54]);
    expect([...tf.variableGrads(f, [x]).grads[x.name].dataSync()]).toEqual([16, 54]);
  });

  it('leaves nothing behind but its result', async () => {
    await selectBackend({backend});
    const x = tf.ones([3]);
    const before = tf.memory().numTensors;
    detached(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
