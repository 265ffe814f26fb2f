/** @file What every registered model must do. */
import {createHash} from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {bytesOf} from '../../src/checkpoint/elements.js';
import type {ModelConfig} from '../../src/config/schema.js';
import {selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {heatmapMse} from '../../src/losses/heatmapMse.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict, loadStateDict} from '../../src/nn/stateDict.js';
import {stream} from '../../src/random.js';
import {modelConfig, TINY_HRNET} from './configs.js';

/** A small model of every type; a type without one does not compile. */
const BACKBONES: Record<ModelConfig['backbone']['type'], ModelConfig['backbone']> = {hrnet: TINY_HRNET};
const [HEIGHT, WIDTH, KEYPOINTS] = [64, 32, 3];

function images(): tf.Tensor4D {
  const random = stream(0, 'test/images');
  return tf.tensor4d(
    Float32Array.from({length: 2 * HEIGHT * WIDTH * 3}, () => random.normal()),
    [2, HEIGHT, WIDTH, 3],
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

describe.each(Object.entries(BACKBONES))('the model with backbone %s', (_type, backbone) => {
  const build = (keypoints = KEYPOINTS, seed = 1) =>
    buildModel(modelConfig(backbone, [HEIGHT, WIDTH]), keypoints, seed);

  it('maps images to finite heatmaps of the size that its stride says', () => {
    const model = build().eval();
    const heatmaps = model.forward(images());
    expect(heatmaps.shape).toEqual([2, HEIGHT / model.stride, WIDTH / model.stride, KEYPOINTS]);
    expect(heatmaps.dataSync().every(Number.isFinite)).toBe(true);
  });

  it('sends a finite gradient that is not zero to every parameter', () => {
    const model = build();
    const parameters = model.namedParameters();
    const random = stream(0, 'test/weights');
    for (const parameter of parameters.values()) {
      // Published deviations of 0.001 would let gradients vanish in float32's noise.
      if (parameter.rank === 4) parameter.assign(tf.tensor(drawn(parameter.size, random), parameter.shape));
    }
    const {grads} = tf.engine().gradients(() => {
      const heatmaps = model.forward(images());
      return heatmapMse(heatmaps, tf.onesLike(heatmaps), tf.ones([2, KEYPOINTS]));
    }, [...parameters.values()]);
    [...parameters.keys()].forEach((name, i) => {
      const values = [...grads[i].dataSync()];
      expect(grads[i].shape, name).toEqual(parameters.get(name)!.shape);
      expect(values.every(Number.isFinite), name).toBe(true);
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
      const random = stream(0, 'test/frozen');
      for (const parameter of model.parameters()) {
        if (parameter.rank === 4) parameter.assign(tf.tensor(drawn(parameter.size, random), parameter.shape));
      }
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
    expect(load).toThrow(/other\.pth.*2 keys are of another shape/);
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
    expect(() => buildModel(modelConfig(backbone, [HEIGHT + 1, WIDTH]), KEYPOINTS, 0)).toThrow(
      /^model\.input: is \[65, 32\]; .* needs multiples of/,
    );
  });
});

function drawn(count: number, random: ReturnType<typeof stream>): Float32Array {
  return Float32Array.from({length: count}, () => random.normal(0, 0.3));
}
