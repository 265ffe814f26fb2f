/** @file Training steps with a teacher: what they change, what they add to the loss, and what is left of it in inference. */
import {isDeepStrictEqual} from 'node:util';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {type DistillConfig, distillSchema} from '../../../src/config/distillSchema.js';
import type {ModelConfig} from '../../../src/config/modelSchema.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import type {Batch} from '../../../src/data/types.js';
import {selectBackend} from '../../../src/engine/index.js';
import {FeatureTap} from '../../../src/models/featureTap.js';
import type {PoseModel} from '../../../src/models/poseModel.js';
import {buildModel} from '../../../src/models/registry.js';
import {getStateDict} from '../../../src/nn/stateDict.js';
import {stepDraws, stream} from '../../../src/random.js';
import type {AgentPose} from '../../../src/tasks/distill/agentpose/agentPose.js';
import {createMethod} from '../../../src/tasks/distill/create.js';
import {DistilledModel} from '../../../src/tasks/distill/distilledModel.js';
import {DistillTask} from '../../../src/tasks/distill/distillTask.js';
import {TopDownTask} from '../../../src/tasks/topDown.js';
import {drawn} from '../../engine/compare.js';
import {HEATMAP_HEAD, modelConfig, TINY_CSPNEXT, TINY_HRNET, TINY_RTMCC_HEAD} from '../../models/configs.js';
import {adamOf} from '../../train/steps.js';

const SET = loadKeypointSet('coco17');
const SIZE = 2;
const INPUT: [number, number] = [64, 64];
const OFF = {distillation: 0, diffusion: 0, reconstruction: 0};

beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});

const HEATMAPS = {...modelConfig(TINY_HRNET, INPUT, HEATMAP_HEAD), initialization: 'he' as const};
const SIMCC = {...modelConfig(TINY_CSPNEXT, INPUT, TINY_RTMCC_HEAD), initialization: 'he' as const};

/** Twice as wide as its student. */
function teacherOf(config: ModelConfig): PoseModel {
  const {backbone} = config;
  const wide: ModelConfig['backbone'] =
    backbone.type === 'cspnext'
      ? {...backbone, widenFactor: 2 * backbone.widenFactor}
      : {...TINY_HRNET, stage4: {...TINY_HRNET.stage4, channels: [8, 6, 8, 10]}};
  return buildModel({...config, backbone: wide}, SET.names.length, 5).eval();
}

function taskOf(
  method: Record<string, unknown>,
  config: ModelConfig = HEATMAPS,
  inference: DistillConfig['inference'] = 'student',
  others: {taps?: Record<string, string>; schedule?: Record<string, unknown>} = {},
): {task: DistillTask; teacher: PoseModel} {
  const teacher = teacherOf(config);
  const named = {config: 't.yaml', checkpoint: 't'};
  const parsed = distillSchema.parse({teacher: named, method, inference, ...others});
  const student = buildModel(config, SET.names.length, 0);
  const channelsOf = ({backbone}: PoseModel, tap: string | null) =>
    new FeatureTap(backbone, tap, 'tap').channels(INPUT);
  const channels = {
    student: channelsOf(student, parsed.taps.student),
    teacher: channelsOf(teacher, parsed.taps.teacher),
  };
  const model = new DistilledModel(student, createMethod(parsed.method, channels, 0), inference);
  return {task: new DistillTask(model, teacher, SET, config, parsed), teacher};
}

/** Noise as pictures and as targets. */
function makeBatch(task: TopDownTask, size = SIZE): Batch {
  const random = stream(0, 'test/distill');
  const images = Float32Array.from({length: size * INPUT[0] * INPUT[1] * 3}, () => random.normal());
  const cells = task.codec.targets.reduce((sum, {shape}) => sum + shape.reduce((a, b) => a * b), 0);
  const targets = Float32Array.from({length: size * cells}, () => random.uniform());
  const region = {center: [32, 32], size: [64, 64], rotation: 0} as const;
  const samples = Array.from({length: size}, (_, index) => ({index, region, flipped: false}));
  return {images, targets, targetWeights: new Float32Array(size * SET.names.length).fill(1), samples};
}

function step(task: TopDownTask, draws = stepDraws(0, 0, 0)): {loss: number; gradients: Float32Array[]} {
  const inputs = task.upload(makeBatch(task));
  const {value, terms, gradients} = task.gradients(inputs, task.model.parameters(), draws);
  const result = {
    loss: value.dataSync()[0],
    gradients: gradients.map((gradient) => gradient.dataSync<'float32'>().slice()),
  };
  tf.dispose([value, terms, gradients, {...inputs}]);
  return result;
}

const bytesOf = (model: PoseModel) => [...getStateDict(model)].map(([name, {data}]) => [name, [...data]]);

const METHODS: [string, Record<string, unknown>][] = [
  ['feature', {type: 'feature'}],
  ['logit', {type: 'logit'}],
  ['squares of outputs', {type: 'logit', loss: 'squares'}],
  ['dwpose', {type: 'dwpose'}],
  ["dwpose's second stage", {type: 'dwpose', stage: 2}],
  ['diffkd', {type: 'diffkd', latentChannels: 8}],
  ['agentpose', {type: 'agentpose', latentChannels: 8}],
  ['agentpose without an autoencoder', {type: 'agentpose', autoencoder: false, learnStart: false}],
];

describe.each([
  ['heatmaps', HEATMAPS],
  ['RTMPose', SIMCC],
] as const)('a student of %s', (_, config) => {
  it.each(METHODS)(
    'learns by %s in every parameter; the teacher stays as it is, to the bit',
    (_name, method) => {
      const {task, teacher} = taskOf(method, config);
      const before = bytesOf(teacher);
      const adam = adamOf(task.model);
      for (let i = 0; i < 2; i++) {
        const inputs = task.upload(makeBatch(task));
        const {gradients} = task.gradients(inputs, task.model.parameters(), stepDraws(0, i, 0));
        for (const gradient of gradients)
          expect(gradient.dataSync<'float32'>().every(Number.isFinite)).toBe(true);
        adam.step(gradients, 1e-3);
      }
      expect(bytesOf(teacher)).toEqual(before);
    },
  );
});

describe('a step', () => {
  it('without weights is a step of the student alone', () => {
    const {task} = taskOf({type: 'diffkd', latentChannels: 8, weights: OFF});
    const alone = new TopDownTask(buildModel(HEATMAPS, SET.names.length, 0), SET, HEATMAPS);
    const [own, expected] = [step(task), step(alone)];
    expect(own.loss).toBe(expected.loss);
    expect(own.gradients.slice(0, expected.gradients.length)).toEqual(expected.gradients);
  });

  it('tells what its loss is the sum of', () => {
    const {task} = taskOf({type: 'agentpose', latentChannels: 8, weights: {distillation: 0.1}});
    const inputs = task.upload(makeBatch(task));
    const {value, terms} = task.gradients(inputs, task.model.parameters(), stepDraws(0, 0, 0));
    const numbers = Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]] as const);
    const sum = numbers.reduce((total, [, number]) => total + number, 0);
    expect(numbers.map(([name]) => name)).toEqual([
      'task',
      'distillation',
      'diffusion',
      'reconstruction',
      'refined',
    ]);
    expect(sum / value.dataSync()[0]).toBeCloseTo(1, 5);
    // The head begins with the student's own features on either way.
    expect(terms.refined.dataSync()).toEqual(terms.task.dataSync());
  });

  it('has a larger loss for what is distilled, and the same bits from the same draws', () => {
    const run = (draws = stepDraws(0, 0, 0)) =>
      step(taskOf({type: 'agentpose', latentChannels: 8}).task, draws);
    const alone = new TopDownTask(buildModel(HEATMAPS, SET.names.length, 0), SET, HEATMAPS);
    expect(run().loss).toBeGreaterThan(step(alone).loss);
    expect(run()).toEqual(run());
    expect(run(stepDraws(0, 1, 0)).loss).not.toBe(run().loss);
  });

  it.each([
    ['the features of the head', {}, true],
    ['inner layers', {student: 'stage3.0.branches.2', teacher: 'stage2.0.branches.1'}, false],
  ])('with %s leaves nothing behind but its gradients', (_, taps, refine) => {
    const {task} = taskOf({type: 'agentpose', latentChannels: 8, refine}, HEATMAPS, 'student', {taps});
    step(task);
    const {numTensors, numBytes} = tf.memory();
    step(task);
    expect(tf.memory()).toMatchObject({numTensors, numBytes});
  });

  it('compares the features of inner layers, where they are named', () => {
    const taps = {student: 'stage2.0.branches.1', teacher: 'layer1'};
    const {task} = taskOf({type: 'feature'}, HEATMAPS, 'student', {taps});
    const inputs = task.upload(makeBatch(task));
    const {terms, gradients} = task.gradients(inputs, task.model.parameters(), stepDraws(0, 0, 0));
    const alone = new TopDownTask(buildModel(HEATMAPS, SET.names.length, 0), SET, HEATMAPS);
    const expected = step(alone).gradients;
    const names = [...task.model.namedParameters().keys()];
    // What comes after the layer learns from the task alone.
    const moved = names.filter(
      (_name, i) => i < expected.length && !isDeepStrictEqual(gradients[i].dataSync(), expected[i]),
    );
    expect(terms.feature.dataSync()[0]).toBeGreaterThan(0);
    expect(moved.length).toBeGreaterThan(10);
    expect(
      moved.filter((name) => !/^(conv|bn|layer1|transition1|stage2\.0\.branches\.1)/.test(name)),
    ).toEqual([]);
  });

  it("takes dwpose's weights down with the training", () => {
    const losses = [0, 0.5, 1].map((progress) => {
      const {task} = taskOf({type: 'dwpose', featureWeight: 1});
      task.progress = progress;
      return step(task).loss;
    });
    const alone = step(new TopDownTask(buildModel(HEATMAPS, SET.names.length, 0), SET, HEATMAPS)).loss;
    expect(losses[2]).toBe(alone);
    expect((losses[1] - alone) / (losses[0] - alone)).toBeCloseTo(0.5, 3);
  });

  it('weighs what it asks of the student by its schedule, and nothing else', () => {
    const [start, middle, end] = [0, 0.5, 1].map((progress) => {
      const {task} = taskOf({type: 'agentpose', latentChannels: 8}, HEATMAPS, 'student', {
        schedule: {from: 3, to: 0},
      });
      task.progress = progress;
      const {terms} = task.gradients(task.upload(makeBatch(task)), [], stepDraws(0, 0, 0));
      return Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]]));
    });
    const {distillation, ...rest} = start;
    expect(rest).toEqual({...end, distillation: undefined});
    expect(middle.distillation / distillation).toBeCloseTo(0.5, 6);
    expect(end.distillation).toBe(0);
  });
});

describe('inference', () => {
  const agent = {type: 'agentpose', latentChannels: 8};
  /** With an agent that adds to the student's features: as it is built, it adds nothing. */
  const throughAgent = () => {
    const {task} = taskOf(agent, HEATMAPS, 'agent');
    const {weight} = (task.model.method as AgentPose).back!;
    weight.variable.assign(drawn('back', weight.variable.shape));
    return task;
  };
  const outputsOf = (task: TopDownTask, size = SIZE) =>
    task.predict(makeBatch(task, size), {flipTest: false, shiftHeatmap: null})[0];

  it('with the student alone is as if there were no method', () => {
    const alone = new TopDownTask(buildModel(HEATMAPS, SET.names.length, 0), SET, HEATMAPS);
    const {task} = taskOf(agent);
    expect(outputsOf(task)).toEqual(outputsOf(alone));
    expect([...task.model.deployed.namedParameters().keys()]).toEqual([
      ...alone.model.namedParameters().keys(),
    ]);
  });

  it('with the agent gives others, the same each time, whatever stands beside an image', () => {
    const task = throughAgent();
    const outputs = outputsOf(task);
    expect(outputs).not.toEqual(outputsOf(taskOf(agent).task));
    expect(outputsOf(task)).toEqual(outputs);
    // The first picture of a batch of one is that of a batch of two.
    const single = outputsOf(task, 1);
    const largest = single.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    single.forEach((value, i) => {
      expect(Math.abs(value - outputs[i])).toBeLessThan(1e-4 * largest);
    });
  });

  it('with the agent is the same frozen', () => {
    const task = throughAgent();
    const outputs = outputsOf(task);
    task.model.freeze();
    outputsOf(task).forEach((value, i) => {
      expect(Math.abs(value - outputs[i])).toBeLessThan(1e-3);
    });
  });

  it('names the layers of the method apart from those of the student', () => {
    const names = [...taskOf(agent).task.model.namedParameters().keys()];
    expect(names.filter((name) => name.startsWith('distill.agent.model.')).length).toBeGreaterThan(10);
    expect(new Set(names).size).toBe(names.length);
  });
});
