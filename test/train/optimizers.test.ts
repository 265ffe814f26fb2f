/** @file Adam over named parameters: ten steps against the algorithm in plain numbers, and its state saved and found. */
import * as tf from '@tensorflow/tfjs';
import {afterEach, beforeAll, describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {Adam} from '../../src/train/optimizers.js';

const CONFIG = {
  type: 'adam',
  learningRate: 1e-3,
  betas: [0.9, 0.999] as [number, number],
  epsilon: 1e-8,
} as const;
const RATE = 0.05;
const STEPS = 10;
const START = {weight: [0.5, -1.5, 3, 0], bias: [2]};

type Parameters = Map<string, tf.Variable>;

let parameters: Parameters;
let optimizers: Adam[] = [];

function makeParameters(): Parameters {
  const variable = (values: number[]) => tf.tidy(() => tf.variable(tf.tensor1d(values)));
  parameters = new Map([
    ['weight', variable(START.weight)],
    ['bias', variable(START.bias)],
  ]);
  return parameters;
}

function makeAdam(of: Parameters): Adam {
  const adam = new Adam(of, CONFIG);
  optimizers.push(adam);
  return adam;
}

/** The gradient of Σ (p − 1)⁴ / 4, so that it depends on where the parameters are. */
function takeSteps(adam: Adam, of: Parameters, count: number): void {
  for (let i = 0; i < count; i++) {
    tf.tidy(() => {
      adam.step(
        [...of.values()].map((parameter) => tf.pow(tf.sub(parameter, 1), 3)),
        RATE,
      );
    });
  }
}

function plainTrajectory(start: number): number {
  let [value, first, second] = [start, 0, 0];
  for (let step = 1; step <= STEPS; step++) {
    const gradient = (value - 1) ** 3;
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient ** 2;
    value -= (RATE * (first / (1 - 0.9 ** step))) / (Math.sqrt(second / (1 - 0.999 ** step)) + 1e-8);
  }
  return value;
}

afterEach(() => {
  for (const optimizer of optimizers) optimizer.dispose();
  optimizers = [];
  tf.dispose([...parameters.values()]);
});

describe.each<BackendName>(['torch', 'cpu'])('Adam on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({backend});
  });

  it('follows the algorithm for ten steps', () => {
    const of = makeParameters();
    takeSteps(makeAdam(of), of, STEPS);
    for (const [name, start] of Object.entries(START)) {
      const found = of.get(name)!.dataSync();
      start.forEach((value, i) => {
        expect(Math.abs(found[i] - plainTrajectory(value))).toBeLessThan(1e-5);
      });
    }
  });

  it('goes on from a saved state bit by bit', () => {
    const of = makeParameters();
    const first = makeAdam(of);
    takeSteps(first, of, 4);
    const saved = first.state();
    const halfway = new Map([...of].map(([name, variable]) => [name, variable.dataSync().slice()]));
    takeSteps(first, of, 3);
    const straight = [...of.values()].map((variable) => variable.dataSync().slice());

    for (const [name, variable] of of) {
      tf.tidy(() => variable.assign(tf.tensor1d(halfway.get(name) as Float32Array)));
    }
    const second = makeAdam(of);
    second.load(saved, 'checkpoint');
    takeSteps(second, of, 3);
    expect([...of.values()].map((variable) => variable.dataSync())).toEqual(straight);
    expect(second.state()).toEqual(first.state());
  });

  it('does not keep tensors per step', () => {
    const of = makeParameters();
    const adam = makeAdam(of);
    const before = tf.memory().numTensors;
    takeSteps(adam, of, 3);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a state for another model', () => {
  it.each([
    [
      'a moment that is missing',
      (state: ReturnType<Adam['state']>) => state.delete('exp_avg.bias'),
      /"exp_avg.bias" is missing/,
    ],
    [
      'a moment of another shape',
      (state: ReturnType<Adam['state']>) =>
        state.set('exp_avg_sq.weight', {dtype: 'F32', shape: [3], data: new Float32Array(3)}),
      /"exp_avg_sq.weight" has shape \[3\]/,
    ],
  ])('is refused for %s', async (_, spoil, message) => {
    await selectBackend({backend: 'torch'});
    const of = makeParameters();
    const adam = makeAdam(of);
    const state = adam.state();
    spoil(state);
    expect(() => adam.load(state, 'last')).toThrow(message);
    expect(() => adam.load(state, 'last')).toThrow(UserError);
  });
});
