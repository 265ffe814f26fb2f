/** @file RDPose against its own PyTorch code: output by way of the centre, loss of the three passes, gradients, counts. */
import {existsSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {fit, translate} from '../../src/checkpoint/import/translate.js';
import {loadWeights} from '../../src/checkpoint/weights.js';
import type {ModelConfig} from '../../src/config/modelSchema.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {createLoss} from '../../src/losses/create.js';
import {supervisedLoss} from '../../src/losses/supervised.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict, loadStateDict} from '../../src/nn/stateDict.js';
import {modelConfig, rdposeHead} from '../models/configs.js';
import {type OfficialHrnet, officialBackbone, officialInput} from './officialHrnet.js';
import {aroundImages, expectNorms, largestError, nearest, Reference} from './reference.js';

const REFERENCE = new Reference('rdpose/rdpose_thin_coco17');

const readFixture = () => REFERENCE.facts() as unknown as OfficialHrnet;

function officialConfig(): ModelConfig {
  const fixture = readFixture();
  const head = rdposeHead({decoupling: 'released'});
  return {...modelConfig(officialBackbone(fixture), officialInput(fixture)), head};
}

async function officialModel(): Promise<PoseModel> {
  const model = buildModel(officialConfig(), readFixture().num_joints, 0);
  const {family, weights, unknown} = translate(await loadWeights(REFERENCE.weights), REFERENCE.weights);
  const {matched, missing, unused} = fit(weights, getStateDict(model));
  expect({family, unknown, missing, unused}).toEqual({
    family: 'HRNet',
    unknown: [],
    missing: [],
    unused: [],
  });
  loadStateDict(model, matched, REFERENCE.weights);
  return model;
}

/** Of the eighteen maps of the published code, whose last is the centre's. */
async function expectOfficialOutput(backend: BackendName): Promise<void> {
  await selectBackend({backend});
  const model = (await officialModel()).eval();
  const expected = tf.slice(REFERENCE.maps('eval_output'), [0, 0, 0, 0], [-1, -1, -1, 17]);
  expect(largestError(model.forward(REFERENCE.maps('input'))[0], expected)).toBeLessThan(1e-4);
  model.dispose();
}

describe.skipIf(!existsSync(REFERENCE.weights))(
  "the thin RDPose of its authors' code (needs the reference data)",
  () => {
    it('gives the official heatmaps in evaluation mode on the torch backend', () =>
      expectOfficialOutput('torch'));

    it('gives the same heatmaps on the cpu backend', () => expectOfficialOutput('cpu'), 240_000);

    describe('in training', () => {
      const fixture = existsSync(REFERENCE.weights) ? readFixture() : null!;
      let model: PoseModel;
      let attempts: Step[];

      beforeAll(async () => {
        await selectBackend({backend: 'torch'});
        model = await officialModel();
        attempts = aroundImages(REFERENCE.maps('input')).map((images) => trainingStep(model, images));
      });

      it('has the official loss over its three passes', () => {
        expect(Math.abs(attempts[0].loss / fixture.train_mode_loss_float64 - 1)).toBeLessThan(1e-4);
      });

      it('has the official gradient in every parameter, under the official names in their order', () => {
        const expected = fixture.train_mode_grad_l2;
        expectNorms(nearest(attempts, expected).gradients, expected, 1e-3, 1e-5);
        // And on no side are they far away.
        for (const {gradients} of attempts) expectNorms(gradients, expected, 1e-2, 1e-5);
      });

      it('has as many parameters', () => {
        const count = model.parameters().reduce((sum, {size}) => sum + size, 0);
        expect(count).toBe(fixture.params);
      });
    });
  },
);

interface Step {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
}

function trainingStep(model: PoseModel, images: tf.Tensor4D): Step {
  const named = model.namedParameters();
  const loss = createLoss(officialConfig().head);
  const weights = tf.reshape(REFERENCE.array('weight'), [2, 18]) as tf.Tensor2D;
  const {value, grads} = tf
    .engine()
    .gradients(
      () => supervisedLoss(loss, model.supervised(images), [REFERENCE.maps('target')], weights),
      [...named.values()],
    );
  const gradients = new Map([...named.keys()].map((name, i) => [name, grads[i]]));
  return {loss: value.dataSync()[0], gradients};
}
