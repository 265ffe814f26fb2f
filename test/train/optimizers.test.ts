/** @file Optimisers over named parameters: ten steps against the algorithms in plain numbers, and their state. */
import * as tf from '@tensorflow/tfjs';
import {afterEach, beforeAll, describe, expect, it} from 'vitest';
import {trainSchema} from '../../src/config/trainSchema.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {createOptimizer, type Optimizer} from '../../src/train/optimizers.js';
import type {TrainedParameter} from '../../src/train/parameterGroups.js';

type Settings = Parameters<typeof createOptimizer>[1];

const RATE = 0.05;
const STEPS = 10;
const START = {weight: [0.5, -1.5, 3, 0], bias: [2]};
/** Weight decay of each parameter, where the optimiser has any. */
const DECAY = {weight: 0.1, bias: 0};
const FACTOR = {weight: 1, bias: 0.5};

function settings(changes: Partial<Settings>): Settings {
  return {...trainSchema.parse({}).optimizer, ...changes};
}

/** One value's way: the gradient of (p − 1)⁴ / 4 at every step, so that it depends on where the value is. */
type Walk = (value: number, rate: number, decay: number) => number;

function adamWalk(isDecoupled: boolean): Walk {
  return (start, rate, decay) => {
    let [value, first, second] = [start, 0, 0];
    for (let step = 1; step <= STEPS; step++) {
      const gradient = (value - 1) ** 3 + (isDecoupled ? 0 : decay * value);
      if (isDecoupled) value -= rate * decay * value;
      first = 0.9 * first + 0.1 * gradient;
      second = 0.999 * second + 0.001 * gradient ** 2;
      value -= (rate * (first / (1 - 0.9 ** step))) / (Math.sqrt(second / (1 - 0.999 ** step)) + 1e-8);
    }
    return value;
  };
}

function sgdWalk(momentum: number, nesterov: boolean): Walk {
  return (start, rate, decay) => {
    let [value, velocity] = [start, 0];
    for (let step = 1; step <= STEPS; step++) {
      const gradient = (value - 1) ** 3 + decay * value;
      velocity = momentum * velocity + gradient;
      value -= rate * (nesterov ? gradient + momentum * velocity : velocity);
    }
    return value;
  };
}

/**
 * PyTorch's own numbers for START, in float64: torch.optim's Adam, AdamW, SGD with a group a parameter (lr 0.05 and
 * weight_decay 0.1; 0.025 and 0), `((p - 1) ** 4 / 4).sum().backward()` before each of ten steps.
 */
const CASES: [name: string, config: Partial<Settings>, walk: Walk, pytorch: number[]][] = [
  [
    'Adam with weight decay in its gradients',
    {type: 'adam'},
    adamWalk(false),
    [0.6180905952, -1.0130418442, 2.5167286859, 0.4515266066, 1.7587258293],
  ],
  [
    'AdamW',
    {type: 'adamw'},
    adamWalk(true),
    [0.8679537382, -0.95302451, 2.3885832066, 0.4459017749, 1.7587258293],
  ],
  [
    'plain gradient descent',
    {type: 'sgd', momentum: 0},
    sgdWalk(0, false),
    [0.5312958037, 0.1421037595, 1.7920771691, 0.2962198372, 1.8122091708],
  ],
  [
    'SGD with momentum',
    {type: 'sgd', momentum: 0.8},
    sgdWalk(0.8, false),
    [0.5865563959, 1.961904641, 0.0098607991, 0.7099645549, 1.4977012846],
  ],
  [
    'SGD with Nesterov’s momentum',
    {type: 'sgd', momentum: 0.8, nesterov: true},
    sgdWalk(0.8, true),
    [0.5871539066, 1.8280052289, 0.3818697277, 0.6562863417, 1.5043975218],
  ],
];

let variables: tf.Variable[] = [];
let optimizers: Optimizer[] = [];

function makeParameters(): TrainedParameter[] {
  const parameters = (['weight', 'bias'] as const).map((name) => ({
    name,
    variable: tf.tidy(() => tf.variable(tf.tensor1d(START[name]))),
    learningRateFactor: FACTOR[name],
    weightDecay: DECAY[name],
  }));
  variables.push(...parameters.map(({variable}) => variable));
  return parameters;
}

function make(parameters: readonly TrainedParameter[], config: Partial<Settings>): Optimizer {
  const optimizer = createOptimizer(parameters, settings(config));
  optimizers.push(optimizer);
  return optimizer;
}

function takeSteps(optimizer: Optimizer, parameters: readonly TrainedParameter[], count: number): void {
  for (let i = 0; i < count; i++) {
    tf.tidy(() => {
      const gradients = parameters.map(({variable}) => tf.pow(tf.sub(variable, 1), 3));
      optimizer.step(gradients, RATE);
    });
  }
}

const values = (parameters: readonly TrainedParameter[]) =>
  parameters.map(({variable}) => variable.dataSync<'float32'>().slice());

afterEach(() => {
  for (const optimizer of optimizers) optimizer.dispose();
  tf.dispose(variables);
  [optimizers, variables] = [[], []];
});

describe.each<BackendName>(['torch', 'cpu'])('on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({backend});
  });

  describe.each(CASES)('%s', (_, config, walk, pytorch) => {
    it('follows the algorithm, and PyTorch, for ten steps', () => {
      const parameters = makeParameters();
      takeSteps(make(parameters, config), parameters, STEPS);
      const found = values(parameters).flatMap((array) => [...array]);
      const expected = (['weight', 'bias'] as const).flatMap((name) =>
        START[name].map((value) => walk(value, RATE * FACTOR[name], DECAY[name])),
      );
      expect(found).toHaveLength(5);
      found.forEach((value, i) => {
        expect(Math.abs(expected[i] - pytorch[i])).toBeLessThan(1e-9);
        expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
      });
    });

    it('goes on from a saved state bit by bit', () => {
      const parameters = makeParameters();
      const first = make(parameters, config);
      takeSteps(first, parameters, 4);
      const saved = first.state();
      const halfway = values(parameters);
      takeSteps(first, parameters, 3);
      const straight = values(parameters);

      for (const [i, {variable}] of parameters.entries()) {
        tf.tidy(() => variable.assign(tf.tensor1d(halfway[i])));
      }
      const second = make(parameters, config);
      second.load(saved, 'checkpoint');
      takeSteps(second, parameters, 3);
      expect(values(parameters)).toEqual(straight);
      expect(second.state()).toEqual(first.state());
    });

    it('does not keep tensors per step', () => {
      const parameters = makeParameters();
      const optimizer = make(parameters, config);
      const before = tf.memory().numTensors;
      takeSteps(optimizer, parameters, 3);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
});

describe('a state', () => {
  it('is saved by the names of the parameters and of PyTorch', async () => {
    await selectBackend({backend: 'torch'});
    const keys = (config: Partial<Settings>) => [...make(makeParameters(), config).state().keys()];
    expect(keys({type: 'adamw'})).toEqual([
      ...['exp_avg.weight', 'exp_avg_sq.weight', 'exp_avg.bias', 'exp_avg_sq.bias', 'step'],
    ]);
    expect(keys({type: 'sgd'})).toEqual(['momentum_buffer.weight', 'momentum_buffer.bias', 'step']);
    expect(keys({type: 'sgd', momentum: 0})).toEqual(['step']);
  });

  it.each([
    [
      'a moment that is missing',
      (state: ReturnType<Optimizer['state']>) => state.delete('exp_avg.bias'),
      /"exp_avg.bias" is missing/,
    ],
    [
      'a moment of another shape',
      (state: ReturnType<Optimizer['state']>) =>
        state.set('exp_avg_sq.weight', {dtype: 'F32', shape: [3], data: new Float32Array(3)}),
      /"exp_avg_sq.weight": is F32 \[3\] instead of F32 \[4\]/,
    ],
  ])('is refused for %s', async (_, spoil, message) => {
    await selectBackend({backend: 'torch'});
    const adam = make(makeParameters(), {});
    const state = adam.state();
    spoil(state);
    expect(() => adam.load(state, 'last')).toThrow(message);
    expect(() => adam.load(state, 'last')).toThrow(UserError);
  });
});
