/** @file AgentPose: what learns from what, in training and in inference, with every sampler and without each of its parts. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../../../src/engine/gradients.js';
import {selectBackend} from '../../../../src/engine/index.js';
import {summarize, summaryTotals} from '../../../../src/models/summary.js';
import {initializeLayers, torchDefault} from '../../../../src/nn/init.js';
import {Layer} from '../../../../src/nn/module.js';
import {stream} from '../../../../src/random.js';
import {AgentPose, type AgentPoseSettings} from '../../../../src/tasks/distill/agentpose/agentPose.js';
import {SAMPLERS, type SamplerName} from '../../../../src/tasks/distill/agentpose/samplers.js';
import {tensorDraws} from '../../../../src/tasks/distill/draws.js';
import {CHANNELS, gradientsOf, stepOf, termsOf} from '../steps.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const SETTINGS: AgentPoseSettings = {
  latentChannels: 8,
  sampler: 'eulerMaruyama',
  steps: 5,
  start: 0.4,
  perturbsStudent: true,
  learnsStart: true,
  normalizesStudent: false,
  refines: true,
  weights: {distillation: 1, diffusion: 1, reconstruction: 1, intermediate: 0, refined: 0.5},
};

function build(changes: Partial<AgentPoseSettings> = {}): AgentPose {
  const method = new AgentPose(CHANNELS, {...SETTINGS, ...changes});
  initializeLayers(method, 1, torchDefault);
  return method;
}

/** What stands between backbone and head in inference: images are its features, of as many channels as it is for. */
class Refinement extends Layer<tf.Tensor4D> {
  constructor(
    readonly method: AgentPose,
    private readonly channels: number,
  ) {
    super();
  }

  override forward(images: tf.Tensor4D): tf.Tensor4D {
    const [batch, height, width] = images.shape;
    const features = tf.zeros([batch, height, width, this.channels]) as tf.Tensor4D;
    return this.method.refine(features, tensorDraws(stream(0, 'test'))) ?? features;
  }
}

/** Multiply-accumulates of refining features of this size. */
function refinementMacs(method: AgentPose, [height, width, channels]: [number, number, number]): number {
  return summaryTotals(summarize(new Refinement(method, channels), [height, width])).macs;
}

const isZero = (values: Float32Array): boolean => values.every((value) => value === 0);

/** The parameters of which a name says that it begins so. */
function under(method: AgentPose, ...beginnings: string[]): tf.Variable[] {
  const named = [...method.namedParameters()];
  return named
    .filter(([name]) => beginnings.some((beginning) => name.startsWith(`agent.${beginning}`)))
    .map(([, variable]) => variable);
}

describe('what learns from what', () => {
  it('the autoencoder learns from its reconstruction alone', () => {
    const parameters = (method: AgentPose) => under(method, 'ae.');
    const alone = build().eval();
    const only = gradientsOf(alone, stepOf, parameters(alone), ({name}) => name === 'reconstruction');
    const all = build().eval();
    expect(gradientsOf(all, stepOf, parameters(all))).toEqual(only);
    expect(only.some(isZero)).toBe(false);
  });

  it('the diffusion trains the denoiser, and neither student nor autoencoder', () => {
    const method = build().eval();
    const {student, ...rest} = stepOf();
    const features = tf.variable(student.features);
    const step = () => ({...rest, draws: stepOf().draws, student: {features, outputs: []}});
    const isDiffusion = ({name}: {name: string}) => name === 'diffusion';
    expect(gradientsOf(method, step, under(method, 'model.'), isDiffusion).some(isZero)).toBe(false);
    for (const variable of [features, ...under(method, 'ae.', 'trans.', 'proj.')])
      expect(() => gradientsOf(method, step, [variable], isDiffusion)).toThrow('no gradient reaches');
  });

  it('the distillation reaches the student through every step back: its slope is that of differences', () => {
    // A start that is learned would move with the features, over rows of the table of times.
    const method = build({sampler: 'ancestral', learnsStart: false}).eval();
    const {student, ...rest} = stepOf();
    const isDistillation = ({name}: {name: string}) => name === 'distillation';
    const stepWith = (features: tf.Tensor4D) => ({
      ...rest,
      draws: stepOf().draws,
      student: {features, outputs: []},
    });
    const features = tf.variable(student.features);
    const [slopes] = gradientsOf(method, () => stepWith(features), [features], isDistillation);
    const length = Math.hypot(...slopes);
    const direction = tf.tensor(
      slopes.map((slope) => slope / length),
      features.shape,
    );
    const lossAt = (distance: number) =>
      termsOf(method, stepWith(tf.add(student.features, tf.mul(direction, distance)))).distillation[0];
    const slope = (lossAt(0.02) - lossAt(-0.02)) / 0.04;
    expect(Math.abs(slope / length - 1)).toBeLessThan(0.02);
  });

  it('the start time is learned from how the way back ends', () => {
    const method = build({latentChannels: 32}).eval();
    const isDistillation = ({name}: {name: string}) => name === 'distillation';
    const gradients = gradientsOf(method, stepOf, under(method, 'noise_adapter.'), isDistillation);
    expect(gradients.some(isZero)).toBe(false);
    expect(gradients.flatMap((gradient) => [...gradient]).every(Number.isFinite)).toBe(true);
  });

  it("a loss of the task on what the head gets trains the agent's way to it", () => {
    const method = build();
    const variables = under(method, 'trans.', 'model.', 'noise_adapter.', 'proj.');
    const {gradients} = valueAndGradients(
      () => tf.mean<tf.Scalar>(tf.square(method.distill(stepOf()).refined!.features)),
      [...variables, ...method.back!.parameters()],
    );
    for (const gradient of gradients)
      expect(gradient.dataSync<'float32'>().every(Number.isFinite)).toBe(true);
  });
});

describe('a step', () => {
  it('has all terms by name, and the same bits from the same draws', () => {
    const values = () => termsOf(build(), stepOf());
    expect(Object.keys(values())).toEqual(['distillation', 'diffusion', 'reconstruction']);
    expect(values()).toEqual(values());
    const other = {...stepOf(), draws: tensorDraws(stream(1, 'test/distill'))};
    expect(termsOf(build(), other).diffusion).not.toEqual(values().diffusion);
  });

  it('compares the states on the way where they have a weight', () => {
    const weights = {...SETTINGS.weights, intermediate: 0.2};
    const {intermediate} = termsOf(build({weights}), stepOf());
    expect(intermediate[0]).toBeGreaterThan(0);
    expect(intermediate[1]).toBe(0.2);
    expect(termsOf(build({weights, steps: 1}), stepOf()).intermediate).toBeUndefined();
  });

  it.each(Object.keys(SAMPLERS) as SamplerName[])(
    'of sampler %s gives finite losses from any start',
    (sampler) => {
      for (const start of [0.05, 1]) {
        const terms = termsOf(build({sampler, start, learnsStart: false, steps: 3}), stepOf());
        for (const [value] of Object.values(terms)) expect(Number.isFinite(value)).toBe(true);
      }
    },
  );

  it('without an autoencoder standardises the features of the teacher', () => {
    const method = build({latentChannels: null});
    const terms = termsOf(method, stepOf());
    expect(Object.keys(terms)).toEqual(['distillation', 'diffusion']);
    const {mean, variance} = tf.moments(method.agent.ae.forward(stepOf().teacher.features), [0, 1, 2]);
    for (const value of mean.dataSync()) expect(value).toBeCloseTo(0, 4);
    for (const value of variance.dataSync()) expect(value).toBeCloseTo(1, 3);
    const named = [...method.namedParameters().keys()];
    expect(named.filter((name) => name.startsWith('agent.ae'))).toEqual([]);
    expect(gradientsOf(method, stepOf, method.parameters().slice(0, -2)).length).toBe(named.length - 2);
  });

  it('takes the same of features of any scale where it normalises them: they cannot outgrow the noise', () => {
    const lossOf = (normalizesStudent: boolean, scale: number) => {
      const {student, ...rest} = stepOf();
      const features = tf.mul<tf.Tensor4D>(student.features, scale);
      const method = build({normalizesStudent, learnsStart: false});
      return termsOf(method, {...rest, student: {...student, features}}).distillation[0];
    };
    expect(lossOf(true, 100) / lossOf(true, 1)).toBeCloseTo(1, 3);
    expect(lossOf(false, 100) / lossOf(false, 1)).not.toBeCloseTo(1, 2);
  });

  it('without noise on the student begins at its own features', () => {
    const method = build({perturbsStudent: false, sampler: 'ode'}).eval();
    const refine = (index: number) =>
      method.refine(stepOf().student.features, tensorDraws(stream(index, 'test')))!.dataSync();
    expect(refine(0)).toEqual(refine(1));
  });
});

describe('inference with the agent', () => {
  it("gives features in the student's shape, those of training in evaluation mode", () => {
    const method = build().eval();
    const {student} = stepOf();
    const refined = method.refine(student.features, stepOf().draws)!;
    expect(refined.shape).toEqual(student.features.shape);
    expect(refined.dataSync()).toEqual(method.distill(stepOf()).refined!.features.dataSync());
  });

  it("starts with the student's features, and learns to add to them", () => {
    const method = build();
    method.adjustStart();
    const {student} = stepOf();
    const {features} = method.distill(stepOf()).refined!;
    expect(features.dataSync()).toEqual(student.features.dataSync());
    const {gradients} = valueAndGradients(
      () => tf.mean<tf.Scalar>(tf.square(method.distill(stepOf()).refined!.features)),
      method.back!.parameters(),
    );
    expect(gradients.some((gradient) => isZero(gradient.dataSync<'float32'>()))).toBe(false);
  });

  it('leaves nothing behind', () => {
    const method = build().eval();
    const {student, draws} = stepOf();
    const before = tf.memory().numTensors;
    method.refine(student.features, draws)!.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is left out where the agent is for training alone', () => {
    const method = build({refines: false});
    expect(method.distill(stepOf()).refined).toBeNull();
    expect(method.refine(stepOf().student.features, stepOf().draws)).toBeNull();
    expect(refinementMacs(method, [4, 3, CHANNELS.student])).toBe(0);
  });

  it('costs what RTMPose-t and an agent of 512 channels are said to: 0.22 GMACs for five steps', () => {
    const method = new AgentPose({student: 384, teacher: 1024}, {...SETTINGS, latentChannels: 512});
    const back = 512 * 384 * 48;
    expect(refinementMacs(method, [8, 6, 384]) - back).toBeCloseTo(223.5e6, -5);
    const {model} = method.agent;
    const size = model.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
    expect(size).toBeCloseTo(1.48e6, -4);
    expect(model.time_embedding.weight.variable.size).toBe(655_360);
    method.dispose();
  });
});

it('begins the same from the same seed', () => {
  const values = (seed: number) => {
    const method = new AgentPose(CHANNELS, SETTINGS);
    initializeLayers(method, seed, torchDefault);
    return method.parameters().map((parameter) => [...parameter.dataSync()]);
  };
  expect(values(1)).toEqual(values(1));
  expect(values(1)).not.toEqual(values(2));
});
