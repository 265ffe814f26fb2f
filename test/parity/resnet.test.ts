/** @file SimpleBaseline against the same network written in PyTorch (1.13, in double precision), on weights drawn here. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {createLoss} from '../../src/losses/create.js';
import {supervisedLoss} from '../../src/losses/supervised.js';
import type {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {stream} from '../../src/random.js';
import {modelConfig, TINY_RESNETS} from '../models/configs.js';

const [BATCH, HEIGHT, WIDTH, KEYPOINTS] = [2, 96, 64, 3];

function drawn(name: string, shape: number[], deviation: number, mean = 0): tf.Tensor {
  const random = stream(0, `test/resnet/${name}`);
  const count = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({length: count}, () => random.normal(mean, deviation)),
    shape,
  );
}

/** Scales around 1, everything else around 0. */
function drawnModel(backbone: (typeof TINY_RESNETS)[number]): PoseModel {
  const model = buildModel(modelConfig(backbone, [HEIGHT, WIDTH]), KEYPOINTS, 0);
  for (const [name, parameter] of model.namedParameters()) {
    const isScale = parameter.rank === 1 && name.endsWith('.weight');
    parameter.assign(drawn(name, parameter.shape, 0.2, isScale ? 1 : 0));
  }
  return model;
}

interface Expected {
  /** In training. */
  readonly loss: number;
  /** Lengths of gradients. */
  readonly gradients: Readonly<Record<string, number>>;
  /** Length of the heatmaps in evaluation, after that one step has moved the running statistics. */
  readonly evaluation: number;
}

const EXPECTED: Readonly<Record<number, Expected>> = {
  18: {
    loss: 0.5494466979246082,
    gradients: {
      'conv1.weight': 0.18838144979117558,
      'layer1.0.conv1.weight': 0.09241043683784618,
      'layer2.0.downsample.0.weight': 0.05422802087363918,
      'layer4.1.bn2.weight': 0.004033802489486868,
      'deconv_layers.0.weight': 0.029641131271149264,
      'deconv_layers.6.weight': 0.049587851086996565,
      'final_layer.bias': 0.1757530283916168,
    },
    evaluation: 2801.954368548695,
  },
  50: {
    loss: 0.5319884293082251,
    gradients: {
      'conv1.weight': 7.592464669963655,
      'layer1.0.conv1.weight': 3.9413659576064197,
      'layer2.0.downsample.0.weight': 1.4089108205241834,
      'layer4.1.bn2.weight': 0.008847844558774822,
      'deconv_layers.0.weight': 0.0452649993563369,
      'deconv_layers.6.weight': 0.04238681545795708,
      'final_layer.bias': 0.17687573293363548,
    },
    evaluation: 353.51408030075567,
  },
};

const mse = createLoss({type: 'heatmap', sigma: 2, codec: 'msra', finalConvKernel: 1, ohkm: null});

const length = (tensor: tf.Tensor): number => Math.hypot(...tensor.dataSync());

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

describe.each(TINY_RESNETS)('SimpleBaseline on a ResNet-$layers', (backbone) => {
  it('has the loss, gradients and output of the same network in PyTorch', () => {
    const {loss, gradients, evaluation} = EXPECTED[backbone.layers];
    const model = drawnModel(backbone);
    const images = drawn('images', [BATCH, HEIGHT, WIDTH, 3], 1) as tf.Tensor4D;
    const targets = drawn('targets', [BATCH, HEIGHT / 4, WIDTH / 4, KEYPOINTS], 1) as tf.Tensor4D;
    const names = Object.keys(gradients);
    const named = model.namedParameters();
    const step = tf.engine().gradients(
      () => supervisedLoss(mse, model.supervised(images), [targets], tf.ones([BATCH, KEYPOINTS])),
      names.map((name) => named.get(name)!),
    );
    expect(Math.abs(step.value.dataSync()[0] / loss - 1)).toBeLessThan(1e-4);
    names.forEach((name, i) => {
      expect(Math.abs(length(step.grads[i]) / gradients[name] - 1), name).toBeLessThan(2e-3);
    });
    const [output] = model.eval().forward(images);
    expect(Math.abs(length(output) / evaluation - 1)).toBeLessThan(1e-4);
    model.dispose();
  });
});
