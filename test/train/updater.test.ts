/** @file One step: mean of its batches, clipping, and that it changes everything or nothing. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import type {Batch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {KERNELS} from '../../src/engine/ops/kernels.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict, loadStateDict} from '../../src/nn/stateDict.js';
import {stepDraws, stream} from '../../src/random.js';
import {TopDownTask} from '../../src/tasks/topDown.js';
import type {Optimizer} from '../../src/train/optimizers.js';
import {clipFactor, Updater} from '../../src/train/updater.js';
import {modelConfig, TINY_HRNET} from '../models/configs.js';
import {adamOf, allParameters, trainConfig} from './steps.js';

const SET = loadKeypointSet('coco17');
const KEYPOINTS = SET.names.length;
const SIZE = 2;
// The smallest input leaves the lowest branch one cell, where libtorch has a choice of memory layouts.
const INPUT: [number, number] = [32, 32];
const CELLS = (INPUT[0] / 4) * (INPUT[1] / 4);
const RATE = 1e-2;

beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});

/** Something to train. */
function start(seed = 0, settings: Record<string, unknown> = {}) {
  const config = {...modelConfig(TINY_HRNET, INPUT), initialization: 'he' as const};
  const task = new TopDownTask(buildModel(config, KEYPOINTS, seed), SET, config);
  const optimizer = adamOf(task.model);
  const updater = new Updater(task, allParameters(task.model), optimizer, trainConfig(settings), 0);
  const step = (...batches: Batch[]) => {
    for (const batch of batches) updater.add(batch, 0);
    return updater.finish(RATE);
  };
  return {task, optimizer, updater, step};
}

let learner: ReturnType<typeof start>;
beforeEach(() => {
  learner = start();
});

/** Noise as pictures, and one bright cell for each keypoint. */
function makeBatch(seed = 0): Batch {
  const random = stream(seed, 'test/updater');
  const images = Float32Array.from({length: SIZE * INPUT[0] * INPUT[1] * 3}, () => random.normal());
  const targets = new Float32Array(SIZE * CELLS * KEYPOINTS);
  for (let sample = 0; sample < SIZE; sample++) {
    for (let k = 0; k < KEYPOINTS; k++) targets[(sample * CELLS + 3 * k) * KEYPOINTS + k] = 1;
  }
  const region = {center: [16, 16], size: [32, 32], rotation: 0} as const;
  const samples = Array.from({length: SIZE}, (_, index) => ({index, region, flipped: false}));
  return {images, targets, targetWeights: new Float32Array(SIZE * KEYPOINTS).fill(1), samples};
}

const state = ({task, optimizer}: {task: TopDownTask; optimizer: Optimizer}) => ({
  model: getStateDict(task.model),
  optimizer: optimizer.state(),
});

/** Writes into one element of a parameter or buffer. */
function poison(model: PoseModel, name: string, value: number): void {
  const variable = new Map([...model.namedParameters(), ...model.namedBuffers()]).get(name)!;
  const values = variable.dataSync<'float32'>().slice();
  values[0] = value;
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}

describe('a step', () => {
  it('lowers the loss on the batch it is given', () => {
    const batch = makeBatch();
    const losses = Array.from({length: 30}, () => learner.step(batch).loss);
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]);
  });

  it('goes on bit by bit in a model into which its weights were loaded', () => {
    const batch = makeBatch();
    const second = start(1);
    for (let i = 0; i < 2; i++) learner.step(batch);
    loadStateDict(second.task.model, getStateDict(learner.task.model), 'checkpoint');
    second.optimizer.load(learner.optimizer.state(), 'checkpoint');
    for (let i = 0; i < 3; i++) expect(second.step(batch)).toEqual(learner.step(batch));
    expect(state(second)).toEqual(state(learner));
  });

  it('gives the length of the gradient', () => {
    const {task, updater} = start();
    const inputs = task.upload(makeBatch());
    const {gradients} = task.gradients(inputs, task.model.parameters(), stepDraws(0, 0, 0));
    const squares = gradients.map((gradient) =>
      gradient.dataSync<'float32'>().reduce((sum, value) => sum + value * value, 0),
    );
    const expected = Math.sqrt(squares.reduce((sum, square) => sum + square));
    updater.addInputs(inputs, makeBatch().samples, 0);
    expect(updater.finish(RATE).gradNorm / expected).toBeCloseTo(1, 5);
  });

  it('over two batches takes the mean of their gradients and losses', () => {
    const [first, second] = [makeBatch(1), makeBatch(2)];
    const {task, optimizer, step} = start();
    const found = step(first, second);

    const other = start();
    const parts = [first, second].map((batch) =>
      other.task.gradients(other.task.upload(batch), other.task.model.parameters(), stepDraws(0, 0, 0)),
    );
    const means = parts[0].gradients.map((gradient, i) =>
      tf.mul(tf.add(gradient, parts[1].gradients[i]), 0.5),
    );
    other.optimizer.step(means, RATE);
    expect(found.loss).toBeCloseTo((parts[0].value.dataSync()[0] + parts[1].value.dataSync()[0]) / 2, 6);
    expect(state({task, optimizer})).toEqual(state(other));
  });

  it('tells the mean of each term of the loss, and keeps none of them', () => {
    const {task, step} = start();
    const gradients = task.gradients.bind(task);
    task.gradients = (...args) => {
      const found = gradients(...args);
      return {...found, terms: {third: tf.div(found.value, 3), rest: tf.mul(found.value, 2 / 3)}};
    };
    step(makeBatch(1));
    const before = tf.memory().numTensors;
    const {loss, terms} = step(makeBatch(1), makeBatch(2));
    expect(terms.third / loss).toBeCloseTo(1 / 3, 6);
    expect(terms.rest / loss).toBeCloseTo(2 / 3, 6);
    expect(tf.memory().numTensors).toBe(before);
  });

  // torch.nn.utils.clip_grad_norm_: min(1, longest / (norm + 1e-6)).
  it.each([
    [2, null, 1],
    [2, 3, 1],
    [2, 0.5, 0.5 / 2.000001],
    [0, 1e-9, 1e-3],
  ])('with a gradient of length %d, at most %j, is scaled by %d', (norm, longest, factor) => {
    expect(clipFactor(norm, longest)).toBeCloseTo(factor, 12);
  });

  it('that is clipped moves by the gradient of that length, and tells the length before', () => {
    const batch = makeBatch();
    const sgd = (clipGradNorm: number | null) => {
      const {task} = start();
      const seen: tf.Tensor[] = [];
      const optimizer = {
        step: (gradients: readonly tf.Tensor[]) =>
          void seen.push(...gradients.map((g) => tf.keep(tf.clone(g)))),
      };
      const updater = new Updater(
        task,
        allParameters(task.model),
        optimizer as unknown as Optimizer,
        trainConfig({clipGradNorm}),
        0,
      );
      updater.add(batch, 0);
      const {gradNorm} = updater.finish(RATE);
      return {gradNorm, values: seen.flatMap((tensor) => [...tensor.dataSync<'float32'>()])};
    };
    const [plain, clipped] = [sgd(null), sgd(1e-3)];
    expect(clipped.gradNorm).toBe(plain.gradNorm);
    expect(Math.hypot(...clipped.values)).toBeCloseTo(1e-3, 7);
    const worst = clipped.values.map((value, i) =>
      Math.abs(value - (plain.values[i] * 1e-3) / plain.gradNorm),
    );
    expect(Math.max(...worst)).toBeLessThan(1e-7);
  });

  it('reads from the device once', () => {
    const {backend} = tf.engine();
    const {readSync} = backend;
    let reads = 0;
    backend.readSync = function (id) {
      reads++;
      return readSync.call(this, id);
    };
    try {
      learner.step(makeBatch(), makeBatch(1));
    } finally {
      Reflect.deleteProperty(backend, 'readSync');
    }
    expect(reads).toBe(1);
  });
});

describe('a step that is not finite', () => {
  const batches: [
    string,
    (batch: Batch, value: number) => Float32Array,
    keyof ReturnType<typeof inputsOf>,
  ][] = [
    ['one pixel', ({images}, value) => images.fill(value, -1), 'images'],
    ['one target', ({targets}, value) => targets.fill(value, 5, 6), 'targets'],
    ['one weight of a keypoint', ({targetWeights}, value) => targetWeights.fill(value, 0, 1), 'weights'],
  ];
  const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  const inputsOf = (problem: ReturnType<typeof learner.step>['problem']) => problem!.diagnosis.inputs;

  describe.each(VALUES)('by %d', (value) => {
    it.each(batches)('in %s changes nothing, and names the sample', (_, spoil, where) => {
      learner.step(makeBatch());
      const before = state(learner);
      const batch = makeBatch(1);
      spoil(batch, value);
      const {problem} = learner.step(batch);
      expect(inputsOf(problem)[where]).toEqual([where === 'images' ? 1 : 0]);
      expect(state(learner)).toEqual(before);
    });

    it.each([
      ['layer1.1.conv2.weight', 'layer1.1.conv2'],
      ['stage3.0.branches.1.0.bn1.weight', 'stage3.0.branches.1.0.bn1'],
      ['final_layer.bias', 'final_layer'],
    ])('in %s names the layer', (name, layer) => {
      poison(learner.task.model, name, value);
      const before = state(learner);
      const {problem} = learner.step(makeBatch());
      expect(problem!.diagnosis).toMatchObject({state: [name], firstBadLayer: layer});
      expect(state(learner)).toEqual(before);
    });

    it('in a running variance is found, though the loss does not depend on it', () => {
      const name = 'stage2.0.branches.0.0.bn2.running_var';
      poison(learner.task.model, name, value);
      const before = state(learner);
      const {problem, loss} = learner.step(makeBatch());
      expect(loss).toBeGreaterThan(0);
      expect(problem!.diagnosis).toMatchObject({state: [name], firstBadLayer: 'stage2.0.branches.0.0.bn2'});
      expect(state(learner)).toEqual(before);
    });

    it('in a gradient alone names its layer', () => {
      const {task} = learner;
      const names = [...task.model.namedParameters().keys()];
      const at = names.indexOf('layer1.0.conv3.weight');
      const {gradients} = task;
      task.gradients = (...args) => {
        const found = gradients.apply(task, args);
        found.gradients[at] = tf.mul(found.gradients[at], value);
        return found;
      };
      const before = state(learner);
      const {problem} = learner.step(makeBatch());
      expect(problem!.diagnosis).toEqual({
        inputs: {images: [], targets: [], weights: []},
        ...{state: [], firstBadLayer: 'layer1.0.conv3'},
      });
      const bad = [...problem!.gradientNorms].filter(([, norm]) => !Number.isFinite(norm));
      expect(bad.map(([name]) => name)).toEqual(['layer1.0.conv3.weight']);
      expect(state(learner)).toEqual(before);
    });
  });

  it('in one of its batches changes nothing, and tells which', () => {
    const bad = makeBatch(1);
    bad.images[0] = Number.NaN;
    const before = state(learner);
    const {problem} = learner.step(makeBatch(), bad, makeBatch(2));
    expect(problem!.batches.map(({loss}) => Number.isFinite(loss))).toEqual([true, false, true]);
    expect(state(learner)).toEqual(before);
    expect(learner.step(makeBatch()).problem).toBeNull();
  });

  it('takes as much memory as one that is', () => {
    const bad = makeBatch();
    bad.images[0] = Number.NaN;
    learner.step(makeBatch());
    const {numTensors} = tf.memory();
    learner.step(bad);
    learner.step(makeBatch());
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

describe('a batch without any visible keypoint', () => {
  it('has the loss 0, and finite gradients', () => {
    const batch = makeBatch();
    batch.targetWeights.fill(0);
    batch.targets.fill(0);
    expect(learner.step(batch)).toEqual({loss: 0, terms: {}, gradNorm: 0, problem: null});
  });
});

describe('a batch of one', () => {
  it('whose lowest resolution is a single cell is refused, and changes nothing', () => {
    const two = makeBatch();
    const half = (array: Float32Array) => array.subarray(0, array.length / 2);
    const one: Batch = {
      images: half(two.images),
      targets: half(two.targets),
      targetWeights: half(two.targetWeights),
      samples: two.samples.slice(0, 1),
    };
    const before = state(learner);
    const {numTensors} = tf.memory();
    expect(() => learner.step(one)).toThrow(/^train\.batchSize: batch normalisation needs several values/);
    expect(state(learner)).toEqual(before);
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

describe('an error in the midst of', () => {
  type RunKernel = (parameters: {kernelName?: string}) => unknown;
  const engine = () => tf.engine() as unknown as {runKernelFunc: RunKernel};

  /** Throws when a kernel is run for the given time. */
  function failAt(kernel: string, time: number): () => void {
    const original = engine().runKernelFunc;
    let times = 0;
    engine().runKernelFunc = function (parameters) {
      if (parameters.kernelName === kernel && ++times === time) throw new Error('on purpose');
      return original.call(this, parameters);
    };
    return () => {
      engine().runKernelFunc = original;
    };
  }

  it.each([
    ['keeping the statistics', KERNELS.copies, 1],
    ['the forward pass', KERNELS.convolution, 20],
    ['the loss', 'Square', 1],
    ['the backward pass', KERNELS.convolutionWeightGradient, 20],
    ['a gradient in two parts', KERNELS.accumulate, 2],
    ['the forward pass of the second batch', KERNELS.batchNormRelu, 60],
    ['the sum of two gradients', 'Add', 9],
    ['the check', KERNELS.norms, 1],
  ])('%s frees all of it, and puts the statistics back', (_, kernel, time) => {
    const batch = makeBatch();
    learner.step(batch, batch);
    const before = state(learner);
    const {numTensors} = tf.memory();
    const repair = failAt(kernel, time);
    try {
      expect(() => learner.step(batch, batch)).toThrow('on purpose');
    } finally {
      repair();
    }
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(state(learner)).toEqual(before);
    expect(learner.step(batch).problem).toBeNull();
  });
});
