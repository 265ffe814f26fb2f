/** @file Adam against the algorithm written out in plain numbers (Kingma & Ba 2015, Alg. 1). */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {adamStep} from '../../../src/engine/ops/adam.js';

const START = [0.5, -2, 3];
const GRADIENTS = [
  [0.1, -4, 0],
  [-0.3, 1e-3, 2],
  [5, 0.2, -1],
];
const [LEARNING_RATE, BETA1, BETA2, EPSILON] = [0.01, 0.9, 0.999, 1e-8];

/** One element's value after all steps. */
function plainAdam(element: number): number {
  let [value, first, second] = [START[element], 0, 0];
  GRADIENTS.forEach((gradients, i) => {
    const gradient = gradients[element];
    first = BETA1 * first + (1 - BETA1) * gradient;
    second = BETA2 * second + (1 - BETA2) * gradient * gradient;
    const [mean, variance] = [first / (1 - BETA1 ** (i + 1)), second / (1 - BETA2 ** (i + 1))];
    value -= (LEARNING_RATE * mean) / (Math.sqrt(variance) + EPSILON);
  });
  return value;
}

describe.each<BackendName>(['torch', 'cpu'])('adamStep on %s', (backend) => {
  it('moves parameters in place as the algorithm says, and leaves no tensors behind', async () => {
    await selectBackend({backend});
    const variables = (values: number[]) => [
      tf.tidy(() => tf.variable(tf.tensor1d(values))),
      tf.tidy(() => tf.variable(tf.tensor2d([values]))),
    ];
    const [parameters, firstMoments, secondMoments] = [
      variables(START),
      variables([0, 0, 0]),
      variables([0, 0, 0]),
    ];
    const before = tf.memory().numTensors;
    GRADIENTS.forEach((gradient, i) => {
      const gradients = [tf.tensor1d(gradient), tf.tensor2d([gradient])];
      adamStep({
        parameters,
        gradients,
        firstMoments,
        secondMoments,
        step: i + 1,
        learningRate: LEARNING_RATE,
        betas: [BETA1, BETA2],
        epsilon: EPSILON,
      });
      tf.dispose(gradients);
    });
    expect(tf.memory().numTensors).toBe(before);
    for (const parameter of parameters) {
      parameter.dataSync<'float32'>().forEach((value, element) => {
        expect(value).toBeCloseTo(plainAdam(element), 6);
      });
    }
  });
});
