/** @file HRNet against the official PyTorch code: output, loss, gradients, one Adam step, running statistics. */
import {existsSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {loadWeights} from '../../src/checkpoint/weights.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {adamStep} from '../../src/engine/ops/adam.js';
import {heatmapMse} from '../../src/losses/heatmapMse.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {loadStateDict} from '../../src/nn/stateDict.js';
import {modelConfig} from '../models/configs.js';
import {type OfficialHrnet, officialBackbone, officialInput} from './officialHrnet.js';
import {aroundImages, expectNorms, largestError, nearest, Reference} from './reference.js';

const REFERENCE = new Reference('hrnet/hrnet_thin_coco17');
const WEIGHTS = REFERENCE.weights;

interface Fixture extends OfficialHrnet {
  readonly param_l2_after_one_adam_step_lr1e_3: Record<string, number>;
  readonly running_mean_l2_after_one_forward: Record<string, number>;
}

function readFixture(): Fixture {
  const raw = REFERENCE.facts() as unknown as Fixture & Record<string, Record<string, number>>;
  return {...raw, param_l2_after_one_adam_step_lr1e_3: raw['param_l2_after_one_adam_step_lr1e-3']};
}

async function officialModel(): Promise<PoseModel> {
  const fixture = readFixture();
  const config = modelConfig(officialBackbone(fixture), officialInput(fixture));
  const model = buildModel(config, fixture.num_joints, 0);
  loadStateDict(model, await loadWeights(WEIGHTS), WEIGHTS);
  return model;
}

async function expectOfficialOutput(backend: BackendName): Promise<void> {
  await selectBackend({backend});
  const model = (await officialModel()).eval();
  const [actual] = model.forward(REFERENCE.maps('input'));
  expect(largestError(actual, REFERENCE.maps('eval_output'))).toBeLessThan(1e-4);
  model.dispose();
}

describe.skipIf(!existsSync(WEIGHTS))(
  'the thin HRNet of the official code (needs the reference data)',
  () => {
    it('gives the official output in evaluation mode on the torch backend', () =>
      expectOfficialOutput('torch'));

    it('gives the same output on the cpu backend', () => expectOfficialOutput('cpu'));

    describe('after one step of training', () => {
      const fixture = existsSync(WEIGHTS) ? readFixture() : null!;
      let attempts: Step[];
      let best: Step;

      beforeAll(async () => {
        await selectBackend({backend: 'torch'});
        attempts = [];
        for (const images of aroundImages(REFERENCE.maps('input'))) {
          attempts.push(trainingStep(await officialModel(), images));
        }
        best = nearest(attempts, fixture.train_mode_grad_l2);
      });

      it('has the official loss', () => {
        expect(Math.abs(attempts[0].loss / fixture.train_mode_loss_float64 - 1)).toBeLessThan(1e-4);
      });

      it('has the official gradient in every parameter, under the official names in their order', () => {
        expectNorms(best.gradients, fixture.train_mode_grad_l2, 1e-3, 1e-5);
        // And on no side of a ReLU are they far away.
        for (const {gradients} of attempts) expectNorms(gradients, fixture.train_mode_grad_l2, 1e-2, 1e-5);
      });

      it('has the official weights after Adam', () => {
        const {model, gradients} = best;
        const zeros = () =>
          model.parameters().map((parameter) => tf.variable(tf.zerosLike(parameter), false));
        adamStep({
          parameters: model.parameters(),
          gradients: [...gradients.values()],
          firstMoments: zeros(),
          secondMoments: zeros(),
          step: 1,
          learningRate: 1e-3,
          betas: [0.9, 0.999],
          epsilon: 1e-8,
        });
        expectNorms(model.namedParameters(), fixture.param_l2_after_one_adam_step_lr1e_3, 1e-4, 0);
      });

      it('has moved its running statistics as the official code does', () => {
        const buffers = [...attempts[0].model.namedBuffers()];
        const runningMeans = new Map(buffers.filter(([name]) => name.endsWith('running_mean')));
        expectNorms(runningMeans, fixture.running_mean_l2_after_one_forward, 1e-4, 1e-6);
      });

      it('has as many parameters', () => {
        const count = best.model.parameters().reduce((sum, {size}) => sum + size, 0);
        expect(count).toBe(fixture.params);
      });
    });
  },
);

interface Step {
  readonly model: PoseModel;
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
}

function trainingStep(model: PoseModel, images: tf.Tensor4D): Step {
  const named = model.namedParameters();
  const weights = tf.reshape(REFERENCE.array('weight'), [2, 17]) as tf.Tensor2D;
  const {value, grads} = tf.engine().gradients(() => {
    const [heatmaps] = model.forward(images);
    return heatmapMse(heatmaps as tf.Tensor4D, REFERENCE.maps('target'), weights);
  }, [...named.values()]);
  const gradients = new Map([...named.keys()].map((name, i) => [name, grads[i]]));
  return {model, loss: value.dataSync()[0], gradients};
}
