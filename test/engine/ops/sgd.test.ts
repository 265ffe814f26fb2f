/** @file Gradient descent with momentum, and decoupled weight decay, against the algorithms in plain numbers. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../src/engine/index.js';
import {convolution} from '../../../src/engine/ops/convolution.js';
import {decayWeights} from '../../../src/engine/ops/decayWeights.js';
import {type SgdStep, sgdStep} from '../../../src/engine/ops/sgd.js';
import {drawn, expectSameOnBothBackends} from '../compare.js';

type Settings = Omit<SgdStep, 'parameters' | 'gradients' | 'velocities'>;

const START = [0.5, -2, 3];
const GRADIENTS = [
  [0.1, -4, 0],
  [-0.3, 1e-3, 2],
  [5, 0.2, -1],
];

const plain: Settings = {learningRate: 0.01, momentum: 0, nesterov: false, weightDecay: 0};
const SETTINGS: [string, Settings][] = [
  ['no momentum', plain],
  ['weight decay', {...plain, weightDecay: 0.1}],
  ['momentum', {...plain, momentum: 0.9}],
  ['momentum and weight decay', {...plain, momentum: 0.9, weightDecay: 0.1}],
  ['Nesterov', {...plain, momentum: 0.9, nesterov: true}],
  ['Nesterov and weight decay', {...plain, momentum: 0.9, nesterov: true, weightDecay: 0.1}],
];

/** One element's value after all steps. */
function plainSgd(element: number, {learningRate, momentum, nesterov, weightDecay}: Settings): number {
  let [value, velocity] = [START[element], 0];
  for (const gradients of GRADIENTS) {
    const gradient = gradients[element] + weightDecay * value;
    velocity = momentum * velocity + gradient;
    value -= learningRate * (nesterov ? gradient + momentum * velocity : velocity);
  }
  return value;
}

const variables = (values: number[]) => [
  tf.tidy(() => tf.variable(tf.tensor1d(values))),
  tf.tidy(() => tf.variable(tf.tensor2d([values]))),
];

describe.each<BackendName>(['torch', 'cpu'])('sgdStep on %s', (backend) => {
  it.each(SETTINGS)(
    'with %s moves parameters as the algorithm says, and leaves no tensors behind',
    async (_, settings) => {
      await selectBackend({backend});
      const parameters = variables(START);
      const velocities = settings.momentum > 0 ? variables([0, 0, 0]) : [];
      const before = tf.memory().numTensors;
      for (const gradient of GRADIENTS) {
        const gradients = [tf.tensor1d(gradient), tf.tensor2d([gradient])];
        sgdStep({...settings, parameters, gradients, velocities});
        tf.dispose(gradients);
      }
      expect(tf.memory().numTensors).toBe(before);
      for (const parameter of parameters) {
        parameter.dataSync<'float32'>().forEach((value, element) => {
          expect(value).toBeCloseTo(plainSgd(element, settings), 6);
        });
      }
    },
  );

  it('refuses lists of different lengths', async () => {
    await selectBackend({backend});
    const step = {...plain, momentum: 0.9, parameters: variables(START), gradients: [], velocities: []};
    expect(() => sgdStep(step)).toThrow('sgd: 2 parameters, 0 gradients, 0 velocities');
  });
});

describe('sgdStep', () => {
  it('moves the weights of convolutions, which libtorch holds in another order, alike on both backends', async () => {
    const options = {stride: 1, padding: 1, dilation: 1, groups: 1};
    await expectSameOnBothBackends(() => {
      const weight = tf.variable(drawn<tf.Rank.R4>('weight', [3, 3, 2, 4]));
      const velocity = tf.variable(drawn('velocity', [3, 3, 2, 4]));
      const loss = () => tf.sum(tf.square(convolution(drawn('x', [1, 4, 5, 2]), weight, null, options)));
      for (let i = 0; i < 2; i++) {
        const gradients = Object.values(tf.variableGrads(loss as () => tf.Scalar, [weight]).grads);
        const settings = {...plain, momentum: 0.9, weightDecay: 0.1, learningRate: 1e-3};
        sgdStep({...settings, parameters: [weight], gradients, velocities: [velocity]});
      }
      const results = [tf.add(weight, 0), tf.add(velocity, 0)];
      tf.dispose([weight, velocity]);
      return results;
    });
  });
});

describe.each<BackendName>(['torch', 'cpu'])('decayWeights on %s', (backend) => {
  it('shrinks every parameter in place, and leaves no tensors behind', async () => {
    await selectBackend({backend});
    const parameters = variables(START);
    const before = tf.memory().numTensors;
    decayWeights({parameters, learningRate: 0.1, weightDecay: 0.5});
    expect(tf.memory().numTensors).toBe(before);
    for (const parameter of parameters) {
      parameter.dataSync<'float32'>().forEach((value, element) => {
        expect(value).toBeCloseTo(START[element] * 0.95, 6);
      });
    }
  });
});
