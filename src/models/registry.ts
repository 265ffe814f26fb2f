/** @file The networks by the names that a configuration gives them. */
import type {ModelConfig} from '../config/schema.js';
import {UserError} from '../errors.js';
import {constantDeviation, heDeviation, initializeConvolutions} from '../nn/init.js';
import type {Backbone} from './backbone.js';
import {HRNet} from './backbones/hrnet.js';
import {HeatmapHead} from './heads/heatmap.js';
import {PoseModel} from './poseModel.js';

type BackboneConfig = ModelConfig['backbone'];

/** A backbone type of the configuration -> its maker. */
const BACKBONES: Record<BackboneConfig['type'], (config: BackboneConfig) => Backbone> = {
  hrnet: (config) => new HRNet(config),
};

/** A scheme of the configuration -> the spread of the convolutions' initial weights; HRNet's code has 0.001. */
const INITIALIZATIONS = {published: constantDeviation(0.001), he: heDeviation};

/**
 * Makes the network that a configuration describes, with initial weights drawn from `seed`; `config.weights` is not read.
 * @throws UserError('usage') if the parts do not fit together
 */
export function buildModel(config: ModelConfig, keypoints: number, seed: number): PoseModel {
  const backbone = BACKBONES[config.backbone.type](config.backbone);
  checkInput(config, backbone.sizeMultiple);
  const head = new HeatmapHead(backbone.channels, keypoints, config.head.finalConvKernel);
  const model = new PoseModel(backbone, head);
  initializeConvolutions(model, seed, INITIALIZATIONS[config.initialization]);
  return model;
}

function checkInput({input, backbone}: ModelConfig, multiple: number): void {
  if (input.every((size) => size % multiple === 0)) return;
  throw new UserError(
    'usage',
    `model.input: is [${input.join(', ')}]; ${backbone.type} needs multiples of ${multiple} (height, width).`,
  );
}
