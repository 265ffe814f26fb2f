/** @file Training of the published networks: rates by depth, frozen layers, what is supervised, checkpoints. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {targetLength} from '../../src/codecs/codec.js';
import type {ModelConfig} from '../../src/config/modelSchema.js';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import type {Batch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {heatmapMse} from '../../src/losses/heatmapMse.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict} from '../../src/nn/stateDict.js';
import {stepDraws, stream} from '../../src/random.js';
import {TopDownTask} from '../../src/tasks/topDown.js';
import {Learner} from '../../src/train/learner.js';
import {trainedParameters} from '../../src/train/parameterGroups.js';
import {modelConfig, TINY_CSPNEXT, TINY_HOURGLASS, TINY_RESNETS, TINY_RTMCC_HEAD} from '../models/configs.js';
import {trainConfig} from './steps.js';

const SET = loadKeypointSet('mpii16');
const KEYPOINTS = SET.names.length;
const [HEIGHT, WIDTH] = [128, 64];

interface Case {
  readonly name: string;
  readonly backbone: ModelConfig['backbone'];
  /** Heatmaps by default. */
  readonly head?: ModelConfig['head'];
  /** Patterns of the layers that stay as they are. */
  readonly frozen: readonly string[];
  /** Stages between a parameter and the output. */
  readonly distances: Readonly<Record<string, number>>;
}

const CASES: readonly Case[] = [
  {
    name: 'SimpleBaseline',
    backbone: TINY_RESNETS[1],
    frozen: ['conv1.*', 'bn1.*', 'layer1.*', 'backbone.layer2.*'],
    distances: {
      'final_layer.weight': 0,
      'deconv_layers.0.weight': 1,
      'layer4.2.conv3.weight': 2,
      'layer3.0.downsample.0.weight': 3,
      'layer2.0.conv1.weight': 4,
      'layer1.0.bn3.bias': 5,
      'conv1.weight': 6,
    },
  },
  {
    name: 'two hourglasses',
    backbone: TINY_HOURGLASS,
    frozen: ['pre.*', 'backbone.hgs.0.*', 'features.0.*'],
    distances: {
      'outs.1.conv.weight': 0,
      'hgs.1.0.up1.conv1.conv.weight': 1,
      'features.1.1.bn.weight': 1,
      'outs.0.conv.weight': 2,
      'merge_preds.0.conv.conv.bias': 2,
      'hgs.0.0.low2.low2.low2.low2.bn1.weight': 2,
      'pre.0.conv.weight': 3,
    },
  },
  {
    name: 'RTMPose',
    backbone: TINY_CSPNEXT,
    head: TINY_RTMCC_HEAD,
    frozen: ['backbone.stem.*', 'backbone.stage1.*', 'head.gau.uv.*'],
    distances: {
      'head.gau.gamma': 0,
      'head.final_layer.weight': 0,
      'backbone.stage4.1.conv1.conv.weight': 1,
      'backbone.stage3.0.bn.bias': 2,
      'backbone.stage2.1.attention.fc.bias': 3,
      'backbone.stage1.1.blocks.0.conv2.depthwise_conv.conv.weight': 4,
      'backbone.stem.0.conv.weight': 5,
    },
  },
];

function makeBatch({codec}: TopDownTask, index = 0): Batch {
  const random = stream(0, 'test/publishedModels', 0, index);
  const draw = (count: number) => Float32Array.from({length: count}, () => random.normal());
  const region = {center: [32, 64], size: [WIDTH, HEIGHT], rotation: 0} as const;
  return {
    images: draw(2 * HEIGHT * WIDTH * 3),
    targets: draw(2 * targetLength(codec)),
    targetWeights: new Float32Array(2 * KEYPOINTS).fill(1),
    samples: [0, 1].map((sample) => ({index: sample, region, flipped: false})),
  };
}

beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});

describe.each(CASES)('$name', ({backbone, head, frozen, distances}) => {
  const config = {...modelConfig(backbone, [HEIGHT, WIDTH], head), initialization: 'he' as const};
  const makeTask = (seed = 0) => new TopDownTask(buildModel(config, KEYPOINTS, seed), SET, config);
  const groups = frozen.map((match) => ({match, frozen: true}));
  const starts = frozen.map((pattern) => pattern.replace(/^backbone\.(?!st)/, '').slice(0, -1));
  const isFrozen = (name: string) => starts.some((start) => name.startsWith(start));

  it('learns more slowly towards the image, by its stages', () => {
    const {optimizer} = trainConfig({optimizer: {layerDecay: 0.5}});
    const found = trainedParameters(makeTask().model, optimizer);
    const factors = new Map(found.map(({name, learningRateFactor}) => [name, learningRateFactor]));
    for (const [name, distance] of Object.entries(distances)) {
      expect(factors.get(name), name).toBe(0.5 ** distance);
    }
  });

  it('keeps what is frozen to the bit, statistics included, and moves the rest', () => {
    const task = makeTask();
    const learner = new Learner(task, trainConfig({optimizer: {groups}}), 0);
    const before = getStateDict(task.model);
    for (let step = 0; step < 2; step++) {
      learner.updater.add(makeBatch(task, step), step);
      expect(learner.updater.finish(1e-2).problem).toBeNull();
    }
    for (const [name, {data}] of getStateDict(task.model)) {
      const same = data.every((value, i) => value === before.get(name)!.data[i]);
      // Where a normalisation follows, rounding alone moves a bias.
      if (!/conv\.bias$/.test(name)) expect(same, name).toBe(isFrozen(name));
    }
  });

  it('goes on from a checkpoint as if it had never stopped', () => {
    const [first, second] = [makeTask(0), makeTask(1)].map((task) => new Learner(task, trainConfig(), 0));
    const step = (learner: Learner, index: number) => {
      learner.updater.add(makeBatch(learner.task, index), index);
      return learner.updater.finish(1e-2);
    };
    step(first, 0);
    const {model, optimizer = null} = first.contents();
    second.restore({path: 'checkpoint', step: 1, state: {}, model, optimizer, ema: null}, 0);
    expect(step(second, 1)).toEqual(step(first, 1));
    expect(second.contents()).toEqual(first.contents());
  });

  it('lowers its loss on a batch', () => {
    const learner = new Learner(makeTask(), trainConfig(), 0);
    const losses = Array.from({length: 8}, () => {
      learner.updater.add(makeBatch(learner.task), 0);
      return learner.updater.finish(3e-3).loss;
    });
    expect(losses.at(-1)).toBeLessThan(losses[0]);
  });
});

it('the loss of a stacked hourglass is the sum over its stacks, each compared with the same targets', () => {
  const config = modelConfig({...TINY_HOURGLASS, stacks: 3}, [HEIGHT, WIDTH]);
  const task = new TopDownTask(buildModel(config, KEYPOINTS, 0), SET, config);
  const inputs = task.upload(makeBatch(task));
  const {value} = task.gradients(inputs, task.model.parameters().slice(-1), stepDraws(0, 0, 0));
  const targets = inputs.targets[0] as tf.Tensor4D;
  const supervised = task.model.supervised(inputs.images);
  const losses = supervised.map(
    ({outputs}) => heatmapMse(outputs[0] as tf.Tensor4D, targets, inputs.weights).dataSync()[0],
  );
  expect(losses).toHaveLength(3);
  expect(new Set(losses).size).toBe(3);
  const sum = losses.reduce((total, loss) => total + loss, 0);
  expect(value.dataSync()[0] / sum).toBeCloseTo(1, 5);
  tf.dispose([value, {...inputs}]);
});

it('patterns that match nothing of RTMPose are told the nearest names, which begin with the part once', () => {
  const config = modelConfig(TINY_CSPNEXT, [HEIGHT, WIDTH], TINY_RTMCC_HEAD);
  const {optimizer} = trainConfig({optimizer: {groups: [{match: 'backbone.stem7.*', frozen: true}]}});
  const call = () => trainedParameters(buildModel(config, KEYPOINTS, 0), optimizer);
  expect(call).toThrow('"backbone.stem.*"');
  expect(call).not.toThrow('backbone.backbone');
});
