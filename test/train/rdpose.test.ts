/** @file Training of RDPose: perturbed steps are the same again, and in a run that goes on. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import {OFF_TARGET_NUMBERS} from '../../src/data/offTarget.js';
import type {Batch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict, loadStateDict} from '../../src/nn/stateDict.js';
import {stream} from '../../src/random.js';
import {TopDownTask} from '../../src/tasks/topDown.js';
import {createOptimizer} from '../../src/train/optimizers.js';
import {Updater} from '../../src/train/updater.js';
import {modelConfig, NO_PERTURBATION, rdposeHead, TINY_HRNET} from '../models/configs.js';
import {allParameters, trainConfig} from './steps.js';

const SET = loadKeypointSet('mpii16');
const MAPS = SET.names.length + 1;
const [SIZE, SIDE] = [4, 32];
const CELLS = SIDE / 4;

beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});

function start(seed = 0) {
  const head = rdposeHead({perturbation: {...NO_PERTURBATION, weight: 1, consistency: 0.1}});
  const config = {...modelConfig(TINY_HRNET, [SIDE, SIDE]), head, initialization: 'he' as const};
  const task = new TopDownTask(buildModel(config, MAPS - 1, 0), SET, config);
  const parameters = allParameters(task.model);
  const optimizer = createOptimizer(parameters, trainConfig().optimizer);
  const updater = new Updater(task, parameters, optimizer, trainConfig(), seed);
  const step = (at: number, batches = [makeBatch(at)]) => {
    for (const batch of batches) updater.add(batch, at);
    return updater.finish(1e-2);
  };
  return {task, optimizer, step};
}

/** Noise as pictures, and one bright cell for each keypoint. */
function makeBatch(index: number): Batch {
  const random = stream(0, 'test/rdpose', 0, index);
  const images = Float32Array.from({length: SIZE * SIDE * SIDE * 3}, () => random.normal());
  const targets = new Float32Array(SIZE * CELLS * CELLS * MAPS);
  for (let sample = 0; sample < SIZE; sample++) {
    for (let k = 0; k < MAPS; k++)
      targets[(sample * CELLS * CELLS + ((3 * k + index) % (CELLS * CELLS))) * MAPS + k] = 1;
  }
  const place = [4, 4, 1, 6, 1];
  const offTargets = Float32Array.from(
    {length: SIZE * OFF_TARGET_NUMBERS},
    (_, i) => place[i % place.length],
  );
  const region = {center: [16, 16], size: [32, 32], rotation: 0} as const;
  const samples = Array.from({length: SIZE}, (_, i) => ({index: i, region, flipped: false}));
  return {images, targets, targetWeights: new Float32Array(SIZE * MAPS).fill(1), offTargets, samples};
}

describe('a perturbed step', () => {
  it('depends on the seed, on its number and on the place of its batches', () => {
    const [batch, other] = [makeBatch(0), makeBatch(1)];
    const loss = (seed: number, at: number, batches = [batch]) => start(seed).step(at, batches).loss;
    const first = loss(0, 3);
    expect(loss(0, 3)).toBe(first);
    expect(loss(0, 4)).not.toBe(first);
    expect(loss(1, 3)).not.toBe(first);
    expect(loss(0, 3, [batch, other])).not.toBe(loss(0, 3, [other, batch]));
  });

  it('is the same bit by bit in a run that goes on', () => {
    const whole = start();
    for (let at = 0; at < 5; at++) whole.step(at);
    const [before, after] = [start(), start()];
    for (let at = 0; at < 3; at++) before.step(at);
    loadStateDict(after.task.model, getStateDict(before.task.model), 'checkpoint');
    after.optimizer.load(before.optimizer.state(), 'checkpoint');
    for (let at = 3; at < 5; at++) after.step(at);
    expect(getStateDict(after.task.model)).toEqual(getStateDict(whole.task.model));
  });

  it('leaves nothing behind, and lowers the loss on its batch', () => {
    const {step} = start();
    // The same everywhere: what a bias can learn.
    const batch = {...makeBatch(0), targets: new Float32Array(SIZE * CELLS * CELLS * MAPS).fill(0.2)};
    const first = step(0, [batch]).loss;
    const tensors = tf.memory().numTensors;
    const losses = Array.from({length: 20}, (_, at) => step(at + 1, [batch]).loss);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(losses.at(-1)).toBeLessThan(0.5 * first);
  });

  it('has a term of its loss for each pass', () => {
    const {loss, terms} = start().step(0);
    expect(Object.keys(terms)).toEqual(['first', 'found', 'perturbed', 'consistency', 'plain']);
    const sum = Object.values(terms).reduce((total, term) => total + term, 0);
    expect(sum / loss).toBeCloseTo(1, 5);
  });

  it('says which layer went wrong, with the draws of that step', () => {
    const {task, step} = start();
    const name = 's_attn.conv.weight';
    const variable = task.model.namedParameters().get(name)!;
    tf.tidy(() => variable.assign(tf.fill(variable.shape, Number.NaN)));
    const {problem} = step(0);
    expect(problem!.diagnosis.state).toEqual([name]);
    expect(problem!.diagnosis.firstBadLayer).toBe('s_attn.conv');
  });

  it('is of training alone: predictions are the same at every call, by either way', () => {
    const {task} = start();
    const options = {flipTest: true, shiftHeatmap: null};
    const [first] = task.predict(makeBatch(0), options);
    expect(first).toHaveLength(SIZE * CELLS * CELLS * (MAPS - 1));
    expect(task.predict(makeBatch(0), options)[0]).toEqual(first);
  });
});
