/** @file What every registered model must do. */
import {createHash} from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {bytesOf} from '../../src/checkpoint/elements.js';
import type {ModelConfig} from '../../src/config/schema.js';
import {selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {supervisedMse} from '../../src/losses/supervised.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict, loadStateDict} from '../../src/nn/stateDict.js';
import {stream} from '../../src/random.js';
import {modelConfig, TINY_HOURGLASS, TINY_HRNET, TINY_RESNETS} from './configs.js';

type BackboneConfig = ModelConfig['backbone'];
type Size = readonly [height: number, width: number];

/** Small models of every type, and an input that leaves a few cells at the lowest resolution; a type without one does not compile. */
const BACKBONES: Record<BackboneConfig['type'], {configs: readonly BackboneConfig[]; input: Size}> = {
  hrnet: {configs: [TINY_HRNET], input: [64, 32]},
  resnet: {configs: TINY_RESNETS, input: [64, 32]},
  hourglass: {configs: [TINY_HOURGLASS], input: [128, 64]},
};
const CASES = Object.values(BACKBONES).flatMap(({configs, input}) =>
  configs.map((backbone): [string, BackboneConfig, Size] => [
    'layers' in backbone ? `${backbone.type} ${backbone.layers}` : backbone.type,
    backbone,
    input,
  ]),
);
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

describe.each(CASES)('the model with backbone %s', (_name, backbone, [HEIGHT, WIDTH]) => {
  const build = (keypoints = KEYPOINTS, seed = 1) =>
    buildModel(modelConfig(backbone, [HEIGHT, WIDTH]), keypoints, seed);
  const images = () => imagesOf([HEIGHT, WIDTH]);

  it('ends what it supervises with its prediction, and gives heatmaps of one size', () => {
    const model = build().eval();
    const supervised = model.supervised(images());
    const prediction = model.forward(images());
    expect(supervised.at(-1)!.heatmaps.dataSync()).toEqual(prediction.dataSync());
    for (const {heatmaps, weight} of supervised) {
      expect(heatmaps.shape).toEqual(prediction.shape);
      expect(weight).toBeGreaterThan(0);
    }
  });

  // In evaluation mode, where a batch's statistics do not amplify what is rounded off.
  it('has the derivative of its loss that differences have', () => {
    const model = build().eval();
    drawWeights(model, 0.3, 'test/differences');
    const named = model.parameters();
    const loss = () => {
      const outputs = model.supervised(images());
      const {heatmaps} = outputs[0];
      return supervisedMse(outputs, tf.onesLike(heatmaps), tf.ones([2, KEYPOINTS]));
    };
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

  it('maps images to finite heatmaps of the size that its stride says', () => {
    const model = build().eval();
    const heatmaps = model.forward(images());
    expect(heatmaps.shape).toEqual([2, HEIGHT / model.stride, WIDTH / model.stride, KEYPOINTS]);
    expect(heatmaps.dataSync().every(Number.isFinite)).toBe(true);
  });

  it('sends a finite gradient that is not zero to every parameter', () => {
    const model = build();
    const parameters = model.namedParameters();
    // Published deviations of 0.001 would let gradients vanish in float32's noise.
    drawWeights(model, 0.3, 'test/weights');
    const {grads} = tf.engine().gradients(() => {
      const outputs = model.supervised(images());
      return supervisedMse(outputs, tf.onesLike(outputs[0].heatmaps), tf.ones([2, KEYPOINTS]));
    }, [...parameters.values()]);
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

  it('gives the same heatmaps frozen, for good, and frees all that it held', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const model = build();
      drawWeights(model, 0.3, 'test/frozen');
      model.forward(images());
      const expected = model.eval().forward(images());
      model.freeze();
      for (let use = 0; use < 2; use++) {
        const difference = tf.max(tf.abs(tf.sub(model.forward(images()), expected))).dataSync()[0];
        expect(difference / tf.max(tf.abs(expected)).dataSync()[0]).toBeLessThan(1e-5);
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
    const outputs = [source, target].map((model) => model.eval().forward(images()).dataSync());
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

  it('leaves nothing behind but its heatmaps, and nothing at all when disposed', () => {
    const x = images();
    const before = tf.memory().numTensors;
    const model = build();
    const own = tf.memory().numTensors;
    const heatmaps = model.forward(x);
    expect(tf.memory().numTensors).toBe(own + 1);
    heatmaps.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('asks for an input that it can halve often enough', () => {
    const problem = `model.input: is [${HEIGHT + 1}, ${WIDTH}]; ${backbone.type} needs multiples of`;
    expect(() => buildModel(modelConfig(backbone, [HEIGHT + 1, WIDTH]), KEYPOINTS, 0)).toThrow(problem);
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
    expect([...model.head.namedParameters().keys()].map((name) => model.distanceFromHead(name))).toEqual([
      0, 0,
    ]);
  });
});

function drawWeights(model: PoseModel, deviation: number, name: string): void {
  const random = stream(0, name);
  for (const parameter of model.parameters()) {
    if (parameter.rank !== 4) continue;
    const values = Float32Array.from({length: parameter.size}, () => random.normal(0, deviation));
    parameter.assign(tf.tensor(values, parameter.shape));
  }
}
