/** @file RTMPose against MMPose's code: outputs, labels, loss, gradients, decoded keypoints. */
import {existsSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {loadWeights} from '../../src/checkpoint/weights.js';
import {codecSpec, createCodec} from '../../src/codecs/create.js';
import type {ModelConfig} from '../../src/config/modelSchema.js';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {createLoss} from '../../src/losses/create.js';
import {supervisedLoss} from '../../src/losses/supervised.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {loadStateDict} from '../../src/nn/stateDict.js';
import {modelConfig} from '../models/configs.js';
import {expectNorms, largestError, Reference} from './reference.js';

const REFERENCE = new Reference('rtmpose/rtmpose_thin_coco17');

interface Fixture {
  readonly arch: {
    readonly widen: number;
    readonly deepen: number;
    readonly gau: {readonly hidden: number; readonly s: number; readonly expansion: number};
  };
  readonly num_keypoints: number;
  readonly input_size_wh: [number, number];
  readonly simcc_split_ratio: number;
  readonly sigma_bins: [number, number];
  readonly kl_beta: number;
  readonly train_mode_loss_float64: number;
  readonly train_mode_grad_l2: Record<string, number>;
  readonly decoded_keypoints: number[][][];
  readonly decoded_scores: number[][];
}

const fixture = existsSync(REFERENCE.weights) ? (REFERENCE.facts() as unknown as Fixture) : null!;

function officialConfig(): ModelConfig {
  const {
    arch,
    input_size_wh: [width, height],
    ...official
  } = fixture;
  return modelConfig(
    {type: 'cspnext', widenFactor: arch.widen, deepenFactor: arch.deepen, deconvolution: []},
    [height, width],
    {
      type: 'rtmcc',
      splitRatio: official.simcc_split_ratio,
      sigma: official.sigma_bins,
      finalConvKernel: 7,
      hiddenChannels: arch.gau.hidden,
      gau: {queryChannels: arch.gau.s, expansion: arch.gau.expansion},
      beta: official.kl_beta,
      labelBeta: official.kl_beta,
    },
  );
}

async function officialModel(): Promise<PoseModel> {
  const model = buildModel(officialConfig(), fixture.num_keypoints, 0);
  loadStateDict(model, await loadWeights(REFERENCE.weights), REFERENCE.weights);
  return model;
}

const codecOf = () => createCodec(codecSpec(officialConfig(), 32, fixture.num_keypoints));
const labels = () => [REFERENCE.array('label_x'), REFERENCE.array('label_y')];

async function expectOfficialOutput(backend: BackendName): Promise<void> {
  await selectBackend({backend});
  const model = (await officialModel()).eval();
  const outputs = model.forward(REFERENCE.maps('input'));
  [REFERENCE.array('eval_x'), REFERENCE.array('eval_y')].forEach((expected, axis) => {
    expect(largestError(outputs[axis], expected)).toBeLessThan(1e-4);
  });
  model.dispose();
}

describe.skipIf(fixture === null)("the thin RTMPose of MMPose's code (needs the reference data)", () => {
  it('gives the official vectors in evaluation mode on the torch backend', () =>
    expectOfficialOutput('torch'));

  it('gives the same on the cpu backend', () => expectOfficialOutput('cpu'), 120_000);

  it('has the official keypoints and scores, decoded from its own vectors', async () => {
    await selectBackend({backend: 'torch'});
    const model = (await officialModel()).eval();
    const outputs = model.forward(REFERENCE.maps('input')).map((output) => output.dataSync<'float32'>());
    const {coordinates, scores} = codecOf().decode(outputs, 2);
    expect([...coordinates]).toEqual(fixture.decoded_keypoints.flat(2));
    fixture.decoded_scores.flat().forEach((score, i) => {
      expect(Math.abs(scores[i] / score - 1)).toBeLessThan(1e-4);
    });
  });

  it('is trained on the official labels and weights', () => {
    const codec = codecOf();
    const [keypoints, visible] = ['keypoints', 'visible'].map((name) => REFERENCE.array(name).dataSync());
    const count = fixture.num_keypoints;
    const targets = codec.targets.map(({shape}) => new Float32Array(2 * shape[0] * shape[1]));
    const weights = new Float32Array(2 * count);
    for (let sample = 0; sample < 2; sample++) {
      const points = Float64Array.from({length: 3 * count}, (_, i) => {
        const at = sample * count + Math.floor(i / 3);
        return i % 3 === 2 ? visible[at] : keypoints[2 * at + (i % 3)];
      });
      codec.encode(points, targets, weights, sample);
    }
    expect([...weights]).toEqual([...REFERENCE.array('label_weight').dataSync()]);
    labels().forEach((expected, axis) => {
      expect(largestError(tf.tensor(targets[axis], expected.shape), expected)).toBeLessThan(1e-6);
    });
  });

  describe('after one step of training', () => {
    let loss: number;
    let gradients: Map<string, tf.Tensor>;

    beforeAll(async () => {
      await selectBackend({backend: 'torch'});
      const model = await officialModel();
      const named = model.namedParameters();
      const weights = REFERENCE.array('label_weight') as tf.Tensor2D;
      const lossOf = createLoss(officialConfig().head);
      const step = valueAndGradients(
        () => supervisedLoss(lossOf, model.supervised(REFERENCE.maps('input')), labels(), weights),
        [...named.values()],
      );
      loss = step.value.dataSync()[0];
      gradients = new Map([...named.keys()].map((name, i) => [name, step.gradients[i]]));
    });

    it('has the official loss', () => {
      expect(Math.abs(loss / fixture.train_mode_loss_float64 - 1)).toBeLessThan(1e-4);
    });

    it('has the official gradient in every parameter, under the official names in their order', () => {
      expectNorms(gradients, fixture.train_mode_grad_l2, 1e-3, 1e-5);
    });
  });
});
