/** @file The ways of distilling by the names that a configuration gives them. */
import type {DistillMethodConfig} from '../../config/distillSchema.js';
import {initializeLayers, torchDefault} from '../../nn/init.js';
import {AgentPose} from './agentpose/agentPose.js';
import {DiffKd} from './diffkd.js';
import {DwposeFirstStage} from './dwpose.js';
import {FeatureDistillation} from './feature.js';
import {LogitDistillation} from './logit.js';
import type {DistillMethod, FeatureChannels} from './method.js';

/** Makes a method with initial weights drawn from `seed`. */
export function createMethod(
  config: DistillMethodConfig,
  channels: FeatureChannels,
  seed: number,
): DistillMethod {
  const method = build(config, channels);
  // As PyTorch begins them, from which the published code does not depart.
  initializeLayers(method, seed, torchDefault);
  method.adjustStart();
  return method;
}

/** A row for every type; one without it does not compile. */
function build(config: DistillMethodConfig, channels: FeatureChannels): DistillMethod {
  switch (config.type) {
    case 'feature':
      return new FeatureDistillation(channels, config);
    case 'logit':
      return new LogitDistillation(config);
    case 'dwpose':
      return buildDwpose(config, channels);
    case 'diffkd':
      return new DiffKd(channels, {
        ...config,
        latentChannels: latentOf(config, channels),
        normalizesProjection: config.normalizeProjection,
      });
    case 'agentpose':
      return new AgentPose(channels, {
        ...config,
        latentChannels: config.autoencoder ? latentOf(config, channels) : null,
        learnsStart: config.learnStart,
        normalizesStudent: config.normalizeStudent,
        perturbsStudent: config.perturbStudent,
        refines: config.refine,
      });
  }
}

function buildDwpose(
  config: Extract<DistillMethodConfig, {type: 'dwpose'}>,
  channels: FeatureChannels,
): DistillMethod {
  return config.stage === 1
    ? new DwposeFirstStage(channels, {...config, logitWeight: config.logitWeight ?? 0.1})
    : new LogitDistillation({...config, loss: 'divergence', weight: config.logitWeight ?? 1});
}

/** The narrowest that the agent's layers allow for teachers of few channels. */
const LEAST_LATENT = 8;

function latentOf({latentChannels}: {latentChannels: number | null}, {teacher}: FeatureChannels): number {
  return latentChannels ?? Math.max(LEAST_LATENT, Math.floor(teacher / 2));
}
