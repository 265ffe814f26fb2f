/** @file Model configurations for tests. */
import type {
  CSPNeXtConfig,
  HourglassConfig,
  HRNetConfig,
  ModelConfig,
  RdposeConfig,
  ResNetConfig,
  RtmccHeadConfig,
  SimccHeadConfig,
} from '../../src/config/modelSchema.js';

/** HRNet of the published depth and width W (Sun et al. 2019, Sect. 3). */
export function hrnetOfWidth(width: number): HRNetConfig {
  const stage = (branches: number, modules: number) => ({
    modules,
    blocks: Array.from({length: branches}, () => 4),
    channels: Array.from({length: branches}, (_, i) => width * 2 ** i),
  });
  return {
    type: 'hrnet',
    stemChannels: 64,
    stage1: {blocks: 4, channels: 64},
    stage2: stage(2, 1),
    stage3: stage(3, 4),
    stage4: stage(4, 3),
  };
}

/** As small as an HRNet gets that has every kind of connection. */
export const TINY_HRNET: HRNetConfig = {
  type: 'hrnet',
  stemChannels: 8,
  stage1: {blocks: 2, channels: 4},
  stage2: {modules: 1, blocks: [1, 1], channels: [4, 6]},
  stage3: {modules: 1, blocks: [1, 1, 1], channels: [4, 6, 8]},
  stage4: {modules: 2, blocks: [1, 1, 1, 1], channels: [4, 6, 8, 10]},
};

/** Both kinds of blocks, in all that there is of their depths. */
export const TINY_RESNETS: readonly ResNetConfig[] = ([18, 50] as const).map((layers) => ({
  type: 'resnet',
  layers,
  channels: 4,
  deconvolution: [6, 8, 6],
}));

export const TINY_HOURGLASS: HourglassConfig = {type: 'hourglass', stacks: 2, channels: 4};

/** The schema's defaults. */
export const NO_PERTURBATION: RdposeConfig['perturbation'] = {
  weight: 0,
  neighbour: 0.5,
  otherImage: 0.2,
  mixing: 0.5,
  residue: 0.3,
  residueSigma: 6,
  jitter: 0.05,
  consistency: 0,
};

/** RDPose's head with its defaults. */
export function rdposeHead(changes: Partial<RdposeConfig> = {}): RdposeConfig {
  return {
    ...{type: 'rdpose', sigma: 2, codec: 'msra', decoupling: 'corrected', inference: 'decoupled'},
    perturbation: NO_PERTURBATION,
    ...changes,
  };
}

/** One block a stage. */
export const TINY_CSPNEXT: CSPNeXtConfig = {
  type: 'cspnext',
  widenFactor: 0.0625,
  deepenFactor: 0.167,
  deconvolution: [],
};

export const HEATMAP_HEAD = {
  type: 'heatmap',
  sigma: 2,
  codec: 'msra',
  finalConvKernel: 1,
  ohkm: null,
} as const;

export const SIMCC_HEAD: SimccHeadConfig = {
  type: 'simcc',
  splitRatio: 2,
  sigma: [6, 6],
  beta: 1,
  labelBeta: null,
};

/** RTMPose's, but for its width. */
export const TINY_RTMCC_HEAD: RtmccHeadConfig = {
  type: 'rtmcc',
  splitRatio: 2,
  sigma: null,
  finalConvKernel: 7,
  hiddenChannels: 8,
  gau: {queryChannels: 6, expansion: 2},
  beta: 10,
  labelBeta: 10,
};

export function modelConfig(
  backbone: ModelConfig['backbone'],
  input: [number, number],
  head: ModelConfig['head'] = HEATMAP_HEAD,
): ModelConfig {
  return {
    name: 'test',
    input,
    backbone,
    head,
    initialization: 'published',
    weights: null,
    weightsFor: 'all',
  };
}
