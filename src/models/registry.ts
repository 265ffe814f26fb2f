/** @file The networks by the names that a configuration gives them. */
import {headMisfit, INPUT_MULTIPLES, type ModelConfig} from '../config/modelSchema.js';
import {giveMemoryBack} from '../engine/ops/giveMemoryBack.js';
import {UserError} from '../errors.js';
import {
  constantDeviation,
  heDeviation,
  type Initializer,
  initializeLayers,
  simccDeviation,
  torchDefault,
  torchWeights,
} from '../nn/init.js';
import {Linear} from '../nn/linear.js';
import type {Backbone} from './backbone.js';
import {CSPNeXt} from './backbones/cspnext.js';
import {StackedHourglass} from './backbones/hourglass.js';
import {HRNet} from './backbones/hrnet.js';
import {ResNet} from './backbones/resnet.js';
import {FeatureTap} from './featureTap.js';
import type {Head} from './head.js';
import {HeatmapHead} from './heads/heatmap.js';
import {RtmccHead} from './heads/rtmcc.js';
import {SimccHead, type SimccSizes} from './heads/simcc.js';
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
    case 'cspnext':
      return new CSPNeXt(config);
  }
}

/** The same for heads. */
function buildHead({head, input}: ModelConfig, backbone: Backbone, keypoints: number): Head {
  const {channels, finalLayer} = backbone;
  switch (head.type) {
    case 'heatmap':
      return new HeatmapHead(channels, keypoints, head.finalConvKernel, finalLayer);
    case 'rdpose':
      return new RdposeHead(channels, keypoints, head, finalLayer);
    case 'simcc':
      return new SimccHead(simccSizes(input, head.splitRatio, backbone, keypoints));
    case 'rtmcc':
      return new RtmccHead(simccSizes(input, head.splitRatio, backbone, keypoints), head);
  }
}

function simccSizes(
  [height, width]: ModelConfig['input'],
  splitRatio: number,
  {channels, stride}: Backbone,
  keypoints: number,
): SimccSizes {
  const cells = (height / stride) * (width / stride);
  const bins = [Math.round(width * splitRatio), Math.round(height * splitRatio)] as const;
  return {channels, cells, keypoints, bins};
}

/** A backbone type -> how the code of its paper begins. */
const PUBLISHED: Readonly<Record<BackboneConfig['type'], Initializer>> = {
  hrnet: constantDeviation(0.001),
  resnet: constantDeviation(0.001),
  hourglass: torchDefault,
  cspnext: torchWeights,
};

/** A head type -> how its published code begins; null: as the backbone does. */
const PUBLISHED_HEADS: Readonly<Record<ModelConfig['head']['type'], Initializer | null>> = {
  heatmap: null,
  rdpose: null,
  simcc: simccDeviation,
  rtmcc: simccDeviation,
};

/**
 * Makes the network that a configuration describes, with initial weights drawn from `seed`; `config.weights` is not read.
 * @throws UserError('usage') if the parts do not fit together
 */
export function buildModel(config: ModelConfig, keypoints: number, seed: number): PoseModel {
  checkParts(config);
  // Intermediate supervision is of the same maps as the head's.
  const maps = keypoints + Number(config.head.type === 'rdpose');
  const backbone = buildBackbone(config.backbone, maps);
  const head = buildHead(config, backbone, keypoints);
  const model = new PoseModel(backbone, head);
  const ofBackbone = config.initialization === 'he' ? heDeviation : PUBLISHED[config.backbone.type];
  const ofHead = PUBLISHED_HEADS[config.head.type] ?? ofBackbone;
  // RDPose's code says nothing of its matrices.
  const ofMatrices = config.head.type === 'rdpose' ? torchDefault : ofHead;
  const inHead = new Set(head.namedModules().values());
  initializeLayers(model, seed, (layer) => {
    if (!inHead.has(layer)) return ofBackbone(layer);
    return (layer instanceof Linear ? ofMatrices : ofHead)(layer);
  });
  head.adjustStart();
  giveMemoryBack();
  return model;
}

/** Channels of the features that the backbone of a configuration gives, at the place that `tap` names. */
export function featureChannels(config: ModelConfig, tap: string | null, key: string): number {
  const backbone = buildBackbone(config.backbone, 1);
  try {
    return new FeatureTap(backbone, tap, key).channels(config.input);
  } finally {
    backbone.dispose();
  }
}

function checkParts({input, backbone, head}: ModelConfig): void {
  const misfit = headMisfit(backbone, head);
  if (misfit) throw new UserError('usage', `model.head.type: ${misfit}.`);
  const multiple = INPUT_MULTIPLES[backbone.type];
  if (input.every((size) => size % multiple === 0)) return;
  throw new UserError(
    'usage',
    `model.input: is [${input.join(', ')}]; ${backbone.type} needs multiples of ${multiple} (height, width).`,
  );
}
