/** @file The average of the weights: MMEngine's shares, its way through ten steps, validation with it, its state. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {BatchNorm2d} from '../../src/nn/layers.js';
import {getStateDict} from '../../src/nn/stateDict.js';
import {averageShare, WeightAverage} from '../../src/train/ema.js';

const CONFIG = {decay: 0.9, warmup: 5};
const STEPS = 10;

describe('averageShare', () => {
  // MMEngine's ExpMomentumEMA with momentum 2e-4 and gamma 2000, at its steps 1999 and 10000.
  it('is that of MMEngine', () => {
    const rtmpose = {decay: 0.9998, warmup: 2000};
    expect(averageShare(rtmpose, 1999)).toBeCloseTo(0.36800587, 8);
    expect(averageShare(rtmpose, 10000)).toBeCloseTo(0.00693323, 8);
  });

  it('takes the weights as they are at first, and never less than the decay leaves', () => {
    expect(averageShare(CONFIG, 0)).toBe(1);
    expect(averageShare(CONFIG, 1e6)).toBeCloseTo(0.1, 12);
    expect(averageShare({decay: 0.9, warmup: 0}, 1)).toBeCloseTo(0.1, 12);
  });
});

/** Sets all values of the layer. */
function set(norm: BatchNorm2d, value: number): void {
  for (const variable of [...norm.namedParameters().values(), ...norm.namedBuffers().values()])
    tf.tidy(() => variable.assign(tf.fill(variable.shape, value)));
  norm.num_batches_tracked.value = value;
}

const weightOf = (norm: BatchNorm2d) => norm.weight.variable.dataSync<'float32'>()[0];

/** Where the average is after the weights took the values 1, 4, 9 … */
function plainAverage(steps: number): number {
  let average = 0;
  for (let step = 0; step < steps; step++) {
    const share = step === 0 ? 1 : 0.1 + 0.9 * Math.exp(-(1 + step) / 5);
    average = (1 - share) * average + share * (step + 1) ** 2;
  }
  return average;
}

function follow(norm: BatchNorm2d, average: WeightAverage, from: number, to: number): void {
  for (let step = from; step < to; step++) {
    set(norm, (step + 1) ** 2);
    average.update();
  }
}

describe.each<BackendName>(['torch', 'cpu'])('the average on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({backend});
  });

  it('follows the formula for ten steps, in parameters and running statistics; counters are the model’s', () => {
    const norm = new BatchNorm2d(3);
    const average = new WeightAverage(norm, CONFIG);
    follow(norm, average, 0, STEPS);
    const state = average.state();
    for (const name of ['weight', 'bias', 'running_mean', 'running_var'])
      for (const value of state.get(name)!.data)
        expect(Math.abs(Number(value) / plainAverage(STEPS) - 1), name).toBeLessThan(1e-6);
    expect(state.get('num_batches_tracked')!.data[0]).toBe(100n);
  });

  it('stands in for the weights for a while, and leaves them as they were', async () => {
    const norm = new BatchNorm2d(3);
    const average = new WeightAverage(norm, CONFIG);
    follow(norm, average, 0, 3);
    const before = getStateDict(norm);
    const inside = await average.during(async () => weightOf(norm));
    expect(inside).toBeCloseTo(plainAverage(3), 4);
    expect(getStateDict(norm)).toEqual(before);
    await expect(
      average.during(async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(getStateDict(norm)).toEqual(before);
  });

  it('goes on bit by bit from its saved state', () => {
    const norm = new BatchNorm2d(3);
    const straight = new WeightAverage(norm, CONFIG);
    follow(norm, straight, 0, 4);
    const saved = straight.state();
    follow(norm, straight, 4, STEPS);
    const other = new BatchNorm2d(3);
    const resumed = new WeightAverage(other, CONFIG);
    resumed.load(saved, 'checkpoint', 4);
    follow(other, resumed, 4, STEPS);
    expect(resumed.state()).toEqual(straight.state());
    expect(resumed.updates).toBe(STEPS);
  });

  it('leaves the model’s weights alone when it is loaded, and begins with them when it is reset', () => {
    const norm = new BatchNorm2d(3);
    const average = new WeightAverage(norm, CONFIG);
    follow(norm, average, 0, 2);
    const saved = average.state();
    set(norm, 7);
    average.load(saved, 'checkpoint', 2);
    expect(weightOf(norm)).toBe(7);
    average.reset();
    expect(average.state().get('bias')!.data[0]).toBe(7);
    expect(average.updates).toBe(0);
  });

  it('keeps no tensors', async () => {
    const norm = new BatchNorm2d(3);
    const average = new WeightAverage(norm, CONFIG);
    const {numTensors} = tf.memory();
    follow(norm, average, 0, 2);
    average.load(average.state(), 'checkpoint', 1);
    average.reset();
    await average.during(async () => {});
    expect(tf.memory().numTensors).toBe(numTensors);
    average.dispose();
    expect(tf.memory().numTensors).toBe(numTensors - 4);
  });
});

it('a state of another model is refused, and the model is left as it was', async () => {
  await selectBackend({backend: 'torch'});
  const norm = new BatchNorm2d(3);
  const average = new WeightAverage(norm, CONFIG);
  const before = getStateDict(norm);
  const other = new WeightAverage(new BatchNorm2d(4), CONFIG).state();
  expect(() => average.load(other, 'checkpoint', 1)).toThrow(UserError);
  expect(getStateDict(norm)).toEqual(before);
});
