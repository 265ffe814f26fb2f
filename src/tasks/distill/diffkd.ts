/** @file DiffKD (Huang et al. 2023): the agent with the discrete chain of DDPM, and DDIM back; for training alone. */
import {AGENTS_OWN, FeatureAgent} from './agentpose/featureAgent.js';
import {DdimProcess} from './ddimProcess.js';
import {type Distilled, DistillMethod, type DistillStep, type FeatureChannels, weighted} from './method.js';

export interface DiffKdSettings {
  readonly latentChannels: number;
  readonly steps: number;
  /** Whether the projection of denoised features is normalised; in its first code it was not. */
  readonly normalizesProjection: boolean;
  readonly weights: {
    readonly distillation: number;
    readonly diffusion: number;
    readonly reconstruction: number;
  };
}

export class DiffKd extends DistillMethod {
  readonly agent: FeatureAgent;
  readonly #weights: DiffKdSettings['weights'];

  constructor(
    channels: FeatureChannels,
    {latentChannels, steps, normalizesProjection, weights}: DiffKdSettings,
  ) {
    super();
    this.agent = new FeatureAgent(channels, new DdimProcess(steps), {
      latentChannels,
      adaptsNoise: true,
      normalizesStudent: false,
      normalizesProjection,
    });
    this.#weights = weights;
  }

  /** The agent's names are the published ones. */
  override members(): Iterable<readonly [string, FeatureAgent]> {
    return [['', this.agent]];
  }

  override distill({teacher, student, draws}: DistillStep): Distilled {
    const losses = this.agent.losses(teacher.features, student.features, draws);
    return {terms: weighted(losses, this.#weights, AGENTS_OWN), refined: null};
  }
}
