/** @file What every registered model must do. */
import {createHash} from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {bytesOf} from '../../src/checkpoint/elements.js';
import {codecSpec, createCodec} from '../../src/codecs/create.js';
import type {ModelConfig} from '../../src/config/modelSchema.js';
import {OFF_TARGET_NUMBERS} from '../../src/data/offTarget.js';
import {selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {createLoss} from '../../src/losses/create.js';
import {supervisedLoss} from '../../src/losses/supervised.js';
import type {TrainingStep} from '../../src/models/head.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {strideOf} from '../../src/models/stride.js';
import {getStateDict, loadStateDict} from '../../src/nn/stateDict.js';
import {stepDraws, stream} from '../../src/random.js';
import {
  HEATMAP_HEAD,
  modelConfig,
  NO_PERTURBATION,
  rdposeHead,
  SIMCC_HEAD,
  TINY_CSPNEXT,
  TINY_HOURGLASS,
  TINY_HRNET,
  TINY_RESNETS,
  TINY_RTMCC_HEAD,
} from './configs.js';

type BackboneConfig = ModelConfig['backbone'];
type HeadConfig = ModelConfig['head'];
type Size = readonly [height: number, width: number];

/** Small models of every type, and an input that leaves a few cells at the lowest resolution; a type without one does not compile. */
const BACKBONES: Record<BackboneConfig['type'], {configs: readonly BackboneConfig[]; input: Size}> = {
  hrnet: {configs: [TINY_HRNET], input: [64, 32]},
  resnet: {configs: TINY_RESNETS, input: [64, 32]},
  hourglass: {configs: [TINY_HOURGLASS], input: [128, 64]},
  cspnext: {configs: [{...TINY_CSPNEXT, deconvolution: [6, 4]}], input: [64, 32]},
};
const WITH_HEATMAPS = Object.values(BACKBONES).flatMap(({configs, input}) =>
  configs.map((backbone): [string, BackboneConfig, HeadConfig, Size] => [
    'layers' in backbone ? `${backbone.type} ${backbone.layers}` : backbone.type,
    backbone,
    HEATMAP_HEAD,
    input,
  ]),
);
const PERTURBED = {perturbation: {...NO_PERTURBATION, weight: 1}};
const CASES: typeof WITH_HEATMAPS = [
  ...WITH_HEATMAPS,
  ...WITH_HEATMAPS.map(([name, backbone, , input]): (typeof WITH_HEATMAPS)[number] => [
    `${name}, head rdpose`,
    backbone,
    rdposeHead(),
    input,
  ]),
  ['hrnet, head rdpose as released', TINY_HRNET, rdposeHead({decoupling: 'released'}), [64, 32]],
  ['hrnet, head rdpose perturbed', TINY_HRNET, rdposeHead(PERTURBED), [64, 32]],
  [
    'hrnet, head rdpose perturbed without decoupling',
    TINY_HRNET,
    rdposeHead({decoupling: 'none', inference: 'plain', ...PERTURBED}),
    [64, 32],
  ],
  ['cspnext, head rtmcc', TINY_CSPNEXT, TINY_RTMCC_HEAD, [96, 64]],
  ['hrnet, head rtmcc', TINY_HRNET, TINY_RTMCC_HEAD, [64, 32]],
  [
    'resnet without deconvolutions, head simcc',
    {...TINY_RESNETS[0], deconvolution: []},
    SIMCC_HEAD,
    [96, 64],
  ],
  ['hourglass, head simcc', {...TINY_HOURGLASS, stacks: 1}, SIMCC_HEAD, [128, 64]],
];
const KEYPOINTS = 3;

function imagesOf([height, width]: Size): tf.Tensor4D {
  const random = stream(0, 'test/images');
  return tf.tensor4d(
    Float32Array.from({length: 2 * height * width * 3}, () => random.normal()),
    [2, height, width, 3],
  );
}

/** Names, shapes and hashes of all values: what a state is, fast to compare. */
function digests(model: PoseModel): string[] {
  return Array.from(getStateDict(model), ([name, tensor]) => {
    const hash = createHash('sha256').update(bytesOf(tensor)).digest('hex');
    return `${name} [${tensor.shape}] ${hash}`;
  });
}

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

/** Biases that the next normalisation takes out again: their gradient is 0, or what rounding leaves of it. */
const WITHOUT_EFFECT = /^(pre|hgs|features|merge_features|merge_preds)\..*\bconv\.bias$/;

/** Of step 0, with a place in every image that is not the person's. */
const STEP: TrainingStep = {
  draws: stepDraws(0, 0, 0),
  offTargets: new Float32Array(2 * OFF_TARGET_NUMBERS).fill(1),
};

describe.each(CASES)('the model with backbone %s', (_name, backbone, head, [HEIGHT, WIDTH]) => {
  const build = (keypoints = KEYPOINTS, seed = 1) =>
    buildModel(modelConfig(backbone, [HEIGHT, WIDTH], head), keypoints, seed);
  const images = () => imagesOf([HEIGHT, WIDTH]);
  /** Everything that is supervised against ones. */
  const lossOf = (model: PoseModel) => {
    const supervised = model.supervised(images(), STEP);
    const targets = supervised[0].outputs.map((output) => tf.onesLike(output));
    const weights = tf.ones<tf.Rank.R2>([2, KEYPOINTS + Number(head.type === 'rdpose')]);
    return supervisedLoss(createLoss(head), supervised, targets, weights);
  };

  it('ends what it supervises with its prediction, or that of plain inference, and gives outputs of the same sizes', () => {
    const plain = head.type === 'rdpose' ? {...head, inference: 'plain' as const} : head;
    const model = buildModel(modelConfig(backbone, [HEIGHT, WIDTH], plain), KEYPOINTS, 1).eval();
    const supervised = model.supervised(images(), STEP);
    const prediction = model.forward(images());
    const last = supervised.at(-1)!.outputs;
    const ofKeypoints =
      head.type === 'rdpose' ? [tf.slice(last[0], [0, 0, 0, 0], [-1, -1, -1, KEYPOINTS])] : last;
    expect(valuesOf(ofKeypoints)).toEqual(valuesOf(prediction));
    for (const {outputs, weight} of supervised) {
      expect(outputs.map(({shape}) => shape)).toEqual(last.map(({shape}) => shape));
      expect(weight).toBeGreaterThan(0);
    }
  });

  // In evaluation mode, where a batch's statistics do not amplify what is rounded off.
  it('has the derivative of its loss that differences have', () => {
    const model = build().eval();
    // Decoupling multiplies features with features: what is large grows faster.
    drawWeights(model, head.type === 'rdpose' ? 0.1 : 0.3, 'test/differences');
    const named = model.parameters();
    const loss = () => lossOf(model);
    tf.tidy(() => {
      const {value, grads} = tf.engine().gradients(loss, named);
      const length = Math.hypot(...grads.map((grad) => tf.norm(grad).dataSync()[0]));
      const step = (1e-3 * value.dataSync()[0]) / length;
      const move = (distance: number) => {
        named.forEach((variable, i) => {
          variable.assign(tf.add(variable, tf.mul(grads[i], distance / length)));
        });
      };
      move(step);
      const above = loss().dataSync()[0];
      move(-2 * step);
      const slope = (above - loss().dataSync()[0]) / (2 * step);
      expect(Math.abs(slope / length - 1)).toBeLessThan(0.01);
    });
  });

  it('maps images to a finite output for each target of its codec, and has the stride of its configuration', () => {
    const model = build().eval();
    const codec = createCodec(codecSpec({input: [HEIGHT, WIDTH], head}, strideOf(backbone), KEYPOINTS));
    const outputs = model.forward(images());
    expect(model.stride).toBe(strideOf(backbone));
    expect(outputs.map(({shape}) => shape)).toEqual(codec.outputs.map(({shape}) => [2, ...shape]));
    expect(valuesOf(outputs).flat().every(Number.isFinite)).toBe(true);
  });

  it('sends a finite gradient that is not zero to every parameter', () => {
    const model = build();
    const parameters = model.namedParameters();
    // Published deviations of 0.001 would let gradients vanish in float32's noise.
    drawWeights(model, 0.3, 'test/weights');
    const {grads} = tf.engine().gradients(() => lossOf(model), [...parameters.values()]);
    [...parameters.keys()].forEach((name, i) => {
      const values = [...grads[i].dataSync()];
      expect(grads[i].shape, name).toEqual(parameters.get(name)!.shape);
      expect(values.every(Number.isFinite), name).toBe(true);
      if (!WITHOUT_EFFECT.test(name))
        expect(
          values.some((value) => value !== 0),
          name,
        ).toBe(true);
    });
  });

  it('gives the same outputs frozen, for good, and frees all that it held', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const model = build();
      drawWeights(model, 0.3, 'test/frozen');
      model.forward(images());
      const expected = model.eval().forward(images());
      model.freeze();
      for (let use = 0; use < 2; use++) {
        model.forward(images()).forEach((output, i) => {
          const difference = tf.max(tf.abs(tf.sub(output, expected[i]))).dataSync()[0];
          const limit = head.type === 'rdpose' ? 1e-4 : 1e-5;
          expect(difference / tf.max(tf.abs(expected[i])).dataSync()[0]).toBeLessThan(limit);
        });
      }
      expect(() => model.train()).toThrow('a frozen network cannot be trained');
      model.dispose();
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('comes back from its state dict as it was', () => {
    const [source, target] = [build(KEYPOINTS, 1), build(KEYPOINTS, 2)];
    source.forward(images());
    expect(digests(target)).not.toEqual(digests(source));
    loadStateDict(target, getStateDict(source), 'a.safetensors');
    expect(digests(target)).toEqual(digests(source));
    const outputs = [source, target].map((model) => valuesOf(model.eval().forward(images())));
    expect(outputs[0]).toEqual(outputs[1]);
  });

  it('is made the same by the same seed', () => {
    expect(digests(build())).toEqual(digests(build()));
  });

  it("refuses another model's checkpoint", () => {
    const load = () => loadStateDict(build(), getStateDict(build(KEYPOINTS + 1)), 'other.pth');
    expect(load).toThrow(UserError);
    expect(load).toThrow(/other\.pth.*keys are of another shape/);
  });

  it('leaves nothing behind but its outputs, and nothing at all when disposed', () => {
    const x = images();
    const before = tf.memory().numTensors;
    const model = build();
    const own = tf.memory().numTensors;
    const outputs = model.forward(x);
    expect(tf.memory().numTensors).toBe(own + outputs.length);
    tf.dispose(outputs);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('asks for an input that it can halve often enough', () => {
    const problem = `model.input: is [${HEIGHT + 1}, ${WIDTH}]; ${backbone.type} needs multiples of`;
    expect(() => buildModel(modelConfig(backbone, [HEIGHT + 1, WIDTH], head), KEYPOINTS, 0)).toThrow(problem);
  });

  it('has a stage for every parameter of the backbone, and tells it by its distance from the head', () => {
    const model = build();
    const {stages} = model.backbone;
    const distances = [...model.backbone.namedParameters().keys()].map((name) =>
      model.distanceFromHead(name),
    );
    expect(new Set(distances)).toEqual(new Set(stages.map((_, stage) => stages.length - stage)));
    const members = stages.flat();
    const names = [...model.backbone.namedParameters().keys()];
    expect(names.filter((name) => !members.some((member) => name.startsWith(`${member}.`)))).toEqual([]);
    const inHead = [...model.head.namedParameters().keys()].map((name) => model.distanceFromHead(name));
    expect(new Set(inHead)).toEqual(new Set([0]));
  });
});

it('refuses heads without targets for the heatmaps of stacked hourglasses', () => {
  const build = (stacks: number) =>
    buildModel(modelConfig({...TINY_HOURGLASS, stacks}, [64, 64], SIMCC_HEAD), KEYPOINTS, 0);
  expect(() => build(2)).toThrow('model.head.type: stacked hourglasses are supervised by heatmaps');
});

function valuesOf(outputs: readonly tf.Tensor[]): number[][] {
  return outputs.map((output) => [...output.dataSync()]);
}

/** Of convolutions and linear layers. */
function drawWeights(model: PoseModel, deviation: number, purpose: string): void {
  const random = stream(0, purpose);
  for (const [name, parameter] of model.namedParameters()) {
    if (parameter.rank < 2 || !name.endsWith('.weight')) continue;
    const values = Float32Array.from({length: parameter.size}, () => random.normal(0, deviation));
    parameter.assign(tf.tensor(values, parameter.shape));
  }
}
