/** @file The networks by the names that a configuration gives them. */
import {INPUT_MULTIPLES, type ModelConfig} from '../config/schema.js';
import {UserError} from '../errors.js';
import {
  constantDeviation,
  heDeviation,
  type Initializer,
  initializeConvolutions,
  torchDefault,
} from '../nn/init.js';
import type {Backbone} from './backbone.js';
import {StackedHourglass} from './backbones/hourglass.js';
import {HRNet} from './backbones/hrnet.js';
import {ResNet} from './backbones/resnet.js';
import type {Head} from './head.js';
import {HeatmapHead} from './heads/heatmap.js';
import {PoseModel} from './poseModel.js';
import {RdposeHead} from './rdpose/head.js';

type BackboneConfig = ModelConfig['backbone'];

/** A row for every type; one without it does not compile. */
function buildBackbone(config: BackboneConfig, maps: number): Backbone {
  switch (config.type) {
    case 'hrnet':
      return new HRNet(config);
    case 'resnet':
      return new ResNet(config);
    case 'hourglass':
      return new StackedHourglass(config, maps);
  }
}

/** A row for every type, too. */
function buildHead(config: ModelConfig['head'], {channels, finalLayer}: Backbone, keypoints: number): Head {
  switch (config.type) {
    case 'heatmap':
      return new HeatmapHead(channels, keypoints, config.finalConvKernel, finalLayer);
    case 'rdpose':
      return new RdposeHead(channels, keypoints, config, finalLayer);
  }
}

/** A backbone type -> how the code of its paper begins. */
const PUBLISHED: Readonly<Record<BackboneConfig['type'], Initializer>> = {
  hrnet: constantDeviation(0.001),
  resnet: constantDeviation(0.001),
  hourglass: torchDefault,
};

/**
 * Makes the network that a configuration describes, with initial weights drawn from `seed`; `config.weights` is not read.
 * @throws UserError('usage') if the parts do not fit together
 */
export function buildModel(config: ModelConfig, keypoints: number, seed: number): PoseModel {
  checkInput(config);
  // Intermediate supervision is of the same maps as the head's.
  const maps = keypoints + Number(config.head.type === 'rdpose');
  const backbone = buildBackbone(config.backbone, maps);
  const model = new PoseModel(backbone, buildHead(config.head, backbone, keypoints));
  const initializer = config.initialization === 'he' ? heDeviation : PUBLISHED[config.backbone.type];
  initializeConvolutions(model, seed, initializer);
  return model;
}

function checkInput({input, backbone}: ModelConfig): void {
  const multiple = INPUT_MULTIPLES[backbone.type];
  if (input.every((size) => size % multiple === 0)) return;
  throw new UserError(
    'usage',
    `model.input: is [${input.join(', ')}]; ${backbone.type} needs multiples of ${multiple} (height, width).`,
  );
}
