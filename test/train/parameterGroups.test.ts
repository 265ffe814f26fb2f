/** @file Which parameters are trained and how: patterns, depth, decay of norms and biases, frozen layers. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import type {Batch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict} from '../../src/nn/stateDict.js';
import {TopDownTask} from '../../src/tasks/topDown.js';
import {Learner} from '../../src/train/learner.js';
import {trainedParameters} from '../../src/train/parameterGroups.js';
import {modelConfig, TINY_HRNET} from '../models/configs.js';
import {trainConfig} from './steps.js';

const SET = loadKeypointSet('coco17');
const CONFIG = {...modelConfig(TINY_HRNET, [32, 32]), initialization: 'he' as const};

let model: PoseModel;
beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});
beforeEach(() => {
  model = buildModel(CONFIG, 17, 0);
});

type Optimizer = Parameters<typeof trainedParameters>[1];

function parameters(optimizer: Record<string, unknown>) {
  const config: Optimizer = trainConfig({optimizer}).optimizer;
  return new Map(trainedParameters(model, config).map((parameter) => [parameter.name, parameter]));
}

const factor = (found: ReturnType<typeof parameters>, name: string) => found.get(name)!.learningRateFactor;
const decay = (found: ReturnType<typeof parameters>, name: string) => found.get(name)!.weightDecay;

describe('without groups', () => {
  it('all parameters are trained at the same rate, in the order of the model', () => {
    const found = parameters({});
    expect([...found.keys()]).toEqual([...model.namedParameters().keys()]);
    for (const {learningRateFactor, weightDecay} of found.values())
      expect([learningRateFactor, weightDecay]).toEqual([1, 0]);
  });

  it('AdamW decays no norms and no biases', () => {
    const found = parameters({type: 'adamw', weightDecay: 0.05});
    expect(decay(found, 'conv1.weight')).toBe(0.05);
    expect(decay(found, 'bn1.weight')).toBe(0);
    expect(decay(found, 'bn1.bias')).toBe(0);
    expect(decay(found, 'final_layer.weight')).toBe(0.05);
    expect(decay(found, 'final_layer.bias')).toBe(0);
    for (const {variable, weightDecay} of found.values())
      expect(weightDecay).toBe(variable.rank > 1 ? 0.05 : 0);
  });

  it.each(['sgd', 'adam'])('%s decays all of them, as in PyTorch', (type) => {
    for (const {weightDecay} of parameters({type, weightDecay: 0.05}).values())
      expect(weightDecay).toBe(0.05);
  });
});

describe('a group', () => {
  it('sets rate and decay of the names that it matches, norms and biases too', () => {
    const found = parameters({
      ...{type: 'adamw', weightDecay: 0.05},
      groups: [{match: 'stage4.*', learningRateFactor: 0.1, weightDecay: 0.5}],
    });
    expect(factor(found, 'stage4.1.branches.0.0.bn1.weight')).toBe(0.1);
    expect(decay(found, 'stage4.1.branches.0.0.bn1.weight')).toBe(0.5);
    expect(factor(found, 'stage3.0.branches.0.0.conv1.weight')).toBe(1);
    expect(decay(found, 'stage3.0.branches.0.0.conv1.weight')).toBe(0.05);
  });

  it('may name a part of the model, or stars and question marks anywhere', () => {
    const found = parameters({
      groups: [
        {match: 'backbone.*', learningRateFactor: 0.1},
        {match: 'stage?.*.bn1.bias', learningRateFactor: 0.2},
      ],
    });
    expect(factor(found, 'conv1.weight')).toBe(0.1);
    expect(factor(found, 'final_layer.weight')).toBe(1);
    expect(factor(found, 'stage3.0.branches.1.0.bn1.bias')).toBe(0.2);
    expect(factor(found, 'layer1.0.bn1.bias')).toBe(0.1);
  });

  it('gives way to later ones, key by key', () => {
    const found = parameters({
      groups: [
        {match: '*', learningRateFactor: 0.5, weightDecay: 0.1},
        {match: 'head.*', learningRateFactor: 2},
      ],
    });
    expect([factor(found, 'final_layer.bias'), decay(found, 'final_layer.bias')]).toEqual([2, 0.1]);
    expect([factor(found, 'conv1.weight'), decay(found, 'conv1.weight')]).toEqual([0.5, 0.1]);
  });

  it.each([
    ['stag4.*', '"stage4.*"'],
    ['backbon.*', '"backbone.*"'],
    ['conv1.wieght', '"conv1.weight"'],
    ['stage4.9.*', '"stage4.0.*"'],
  ])('that matches nothing is refused: %s', (match, near) => {
    const call = () => parameters({groups: [{match: '*'}, {match}]});
    expect(call).toThrow(UserError);
    expect(call).toThrow(`train.optimizer.groups.1.match: "${match}" matches no parameter`);
    expect(call).toThrow(near);
  });

  it('may not freeze everything', () => {
    expect(() => parameters({groups: [{match: '*', frozen: true}]})).toThrow(/everything is frozen/);
  });
});

describe('rates by depth', () => {
  it('fall from the head to the stem, a factor a stage', () => {
    const found = parameters({layerDecay: 0.5, groups: [{match: 'bn1.*', learningRateFactor: 10}]});
    const expected: [string, number][] = [
      ['final_layer.weight', 1],
      ['stage4.0.branches.0.0.conv1.weight', 1 / 2],
      ['transition3.3.0.0.weight', 1 / 2],
      ['stage3.0.branches.0.0.conv1.weight', 1 / 4],
      ['stage2.0.branches.0.0.conv1.weight', 1 / 8],
      ['layer1.0.conv1.weight', 1 / 16],
      ['conv2.weight', 1 / 32],
      ['bn1.bias', 10 / 32],
    ];
    for (const [name, value] of expected) expect(factor(found, name), name).toBe(value);
  });

  it('know the stage of every parameter', () => {
    const members = model.backbone.stages.flat();
    expect(members).toHaveLength(new Set(members).size);
    const first = [...model.backbone.namedParameters().keys()].map((name) => name.split('.')[0]);
    expect(new Set(first)).toEqual(new Set(members));
  });
});

describe('frozen layers', () => {
  const FROZEN = ['conv1.*', 'bn1.*', 'layer1.*', 'stage3.*'];

  /** The learner after some steps, and its model's state before them. */
  function trained() {
    const task = new TopDownTask(model, SET, CONFIG);
    const groups = FROZEN.map((match) => ({match, frozen: true}));
    const learner = new Learner(task, trainConfig({optimizer: {groups}}), 0);
    const before = getStateDict(model);
    const cells = 8 * 8 * 17;
    for (let i = 0; i < 2; i++) {
      const batch: Batch = {
        images: Float32Array.from({length: 2 * 32 * 32 * 3}, (_, at) => Math.sin(at * (i + 1))),
        targets: new Float32Array(2 * cells).fill(0.5),
        targetWeights: new Float32Array(2 * 17).fill(1),
        samples: [0, 1].map((index) => ({
          ...{index, flipped: false, region: {center: [16, 16], size: [32, 32], rotation: 0}},
        })),
      };
      learner.updater.add(batch, i);
      expect(learner.updater.finish(1e-2).problem).toBeNull();
    }
    return {learner, before, after: getStateDict(model)};
  }

  it('stay as they are, running statistics and counters included; all others move', () => {
    const {before, after} = trained();
    for (const [name, {data}] of after) {
      const isFrozen = FROZEN.some((pattern) => name.startsWith(pattern.slice(0, -1)));
      const isSame = Buffer.compare(bytes(data), bytes(before.get(name)!.data)) === 0;
      expect(isSame, name).toBe(isFrozen);
    }
  });

  const bytes = ({buffer}: {buffer: ArrayBufferLike}) => Buffer.from(buffer);

  it('normalise by their running statistics in training as well', () => {
    trained();
    const features = tf.ones<tf.Rank.R4>([2, 4, 4, 8]).mul<tf.Tensor4D>(3);
    const norm = (model.backbone as unknown as {bn1: {forward(x: tf.Tensor4D): tf.Tensor4D}}).bn1;
    model.train();
    const [value] = norm.forward(features).dataSync();
    // Mean 0 and variance 1 since the start.
    expect(value).toBeCloseTo(3 / Math.sqrt(1 + 1e-5), 5);
  });

  it('have no place in the optimiser', () => {
    const keys = [...(trained().learner.contents().optimizer?.keys() ?? [])];
    expect(keys).toContain('exp_avg.stage2.0.branches.0.0.conv1.weight');
    const isFrozen = (name: string) => FROZEN.some((pattern) => name.startsWith(pattern.slice(0, -1)));
    const names = keys.map((key) => key.slice(key.indexOf('.') + 1));
    expect(names.filter(isFrozen)).toEqual([]);
  });
});
