/** @file The thin HRNets of the reference data, as the official code's configuration names their stages. */
import type {HRNetConfig} from '../../src/config/modelSchema.js';

interface OfficialStage {
  readonly NUM_MODULES: number;
  readonly NUM_BLOCKS: number[];
  readonly NUM_CHANNELS: number[];
}

/** What the reference data say of such a network and of one training step. */
export interface OfficialHrnet {
  readonly extra: Record<'STAGE2' | 'STAGE3' | 'STAGE4', OfficialStage>;
  readonly num_joints: number;
  readonly shapes: Record<string, number[]>;
  readonly train_mode_loss_float64: number;
  readonly train_mode_grad_l2: Record<string, number>;
  readonly params: number;
}

const stage = ({NUM_MODULES, NUM_BLOCKS, NUM_CHANNELS}: OfficialStage) => ({
  modules: NUM_MODULES,
  blocks: NUM_BLOCKS,
  channels: NUM_CHANNELS,
});

export function officialBackbone({extra}: OfficialHrnet): HRNetConfig {
  return {
    type: 'hrnet',
    stemChannels: 64,
    stage1: {blocks: 4, channels: 64},
    stage2: stage(extra.STAGE2),
    stage3: stage(extra.STAGE3),
    stage4: stage(extra.STAGE4),
  };
}

/** [height, width] */
export function officialInput({shapes}: OfficialHrnet): [number, number] {
  return [shapes.input[2], shapes.input[3]];
}
