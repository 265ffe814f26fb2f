/** @file HRNet (Sun et al. 2019): parallel branches from high to low resolution that exchange features repeatedly. */
import * as tf from '@tensorflow/tfjs';
import type {HRNetConfig} from '../../config/modelSchema.js';
import {sumRelu} from '../../engine/ops/sumRelu.js';
import {UserError} from '../../errors.js';
import {BatchNorm2d, type Conv2d, ReLU} from '../../nn/layers.js';
import {type Layer, Module} from '../../nn/module.js';
import {convBatchNorm, Sequential} from '../../nn/sequential.js';
import {Backbone} from '../backbone.js';
import {BasicBlock, BOTTLENECK_EXPANSION, Bottleneck, conv1x1, conv3x3} from './residual.js';

type StageConfig = HRNetConfig['stage2'];

/** Halves the resolution. */
function halving(inputs: number, outputs: number, ...activation: ReLU[]): Sequential {
  return new Sequential(conv3x3(inputs, outputs, 2), new BatchNorm2d(outputs), ...activation);
}

/**
 * Brings branch `from` to the width of branch `to`, and down to its resolution; null where they are the same. What is
 * smaller stays so: the sum repeats its cells.
 */
function resampling(channels: readonly number[], from: number, to: number): Sequential | null {
  const [inputs, outputs] = [channels[from], channels[to]];
  if (from === to) return null;
  if (from > to) return new Sequential(conv1x1(inputs, outputs), new BatchNorm2d(outputs));
  const steps = Array.from({length: to - from - 1}, () => halving(inputs, inputs, new ReLU()));
  return new Sequential(...steps, halving(inputs, outputs));
}

/** Residual blocks in every branch, then the exchange unit: every output is the sum of all branches (Fig. 3). */
class HighResolutionModule extends Module {
  readonly branches: Sequential[];
  readonly fuse_layers: (Sequential | null)[][];

  /** @param outputs how many branches go on: all, or the first alone */
  constructor({blocks, channels}: StageConfig, outputs: number) {
    super();
    this.branches = channels.map(
      (width, branch) => new Sequential(...Array.from({length: blocks[branch]}, () => new BasicBlock(width))),
    );
    this.fuse_layers = Array.from({length: outputs}, (_, to) =>
      channels.map((_width, from) => resampling(channels, from, to)),
    );
  }

  forward(inputs: readonly tf.Tensor4D[]): tf.Tensor4D[] {
    const branches = this.branches.map((branch, i) => branch.forward(inputs[i]));
    return this.fuse_layers.map((paths, to) => fuse(paths, branches, to));
  }
}

/** The sum of all branches in the resolution of branch `to`, which comes first: the others are brought to it. */
function fuse(
  paths: readonly (Sequential | null)[],
  branches: readonly tf.Tensor4D[],
  to: number,
): tf.Tensor4D {
  return tf.tidy(() => {
    const others = branches.flatMap((branch, i) => paths[i]?.forward(branch) ?? []);
    return sumRelu([branches[to], ...others]);
  });
}

/** From the branches of one stage to those of the next: widths adapted, lower resolutions added at the end. */
function transition(previous: readonly number[], next: readonly number[]): (Layer | null)[] {
  const last = previous.length - 1;
  return next.map((width, branch) => {
    if (branch > last) {
      const steps = Array.from({length: branch - last - 1}, () =>
        halving(previous[last], previous[last], new ReLU()),
      );
      return new Sequential(...steps, halving(previous[last], width, new ReLU()));
    }
    if (width === previous[branch]) return null;
    return new Sequential(conv3x3(previous[branch], width), new BatchNorm2d(width), new ReLU());
  });
}

function applyTransition(layers: readonly (Layer | null)[], branches: readonly tf.Tensor4D[]): tf.Tensor4D[] {
  return layers.map((layer, i) => {
    const source = branches[Math.min(i, branches.length - 1)];
    return layer?.forward(source) ?? source;
  });
}

/** @param keepsAll whether the last module gives all branches, or only that of the highest resolution */
function stage(config: StageConfig, keepsAll: boolean): HighResolutionModule[] {
  const {modules, channels} = config;
  return Array.from({length: modules}, (_, i) => {
    const outputs = keepsAll || i < modules - 1 ? channels.length : 1;
    return new HighResolutionModule(config, outputs);
  });
}

function checkStage(name: 'stage2' | 'stage3' | 'stage4', {blocks, channels}: StageConfig): void {
  const branches = Number(name.slice(-1));
  if (channels.length === branches && blocks.length === branches) return;
  throw new UserError(
    'usage',
    `model.backbone.${name}: has ${channels.length} channels and ${blocks.length} blocks; ` +
      `give ${branches} of each, one for each branch.`,
  );
}

/**
 * The backbone, with the names of the published checkpoints; its features are those of the highest resolution.
 * @throws UserError('usage') if a stage has not as many branches as its number says
 */
export class HRNet extends Backbone {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly layer1: Sequential;
  readonly transition1: (Layer | null)[];
  readonly stage2: HighResolutionModule[];
  readonly transition2: (Layer | null)[];
  readonly stage3: HighResolutionModule[];
  readonly transition3: (Layer | null)[];
  readonly stage4: HighResolutionModule[];
  override readonly channels: number;
  override readonly stride = 4;

  constructor({stemChannels: stem, stage1, stage2, stage3, stage4}: HRNetConfig) {
    super();
    checkStage('stage2', stage2);
    checkStage('stage3', stage3);
    checkStage('stage4', stage4);
    this.conv1 = conv3x3(3, stem, 2);
    this.bn1 = new BatchNorm2d(stem);
    this.conv2 = conv3x3(stem, stem, 2);
    this.bn2 = new BatchNorm2d(stem);
    const width = stage1.channels * BOTTLENECK_EXPANSION;
    const inputs = (block: number) => (block === 0 ? stem : width);
    const blocks = Array.from({length: stage1.blocks}, (_, i) => new Bottleneck(inputs(i), stage1.channels));
    this.layer1 = new Sequential(...blocks);
    this.transition1 = transition([width], stage2.channels);
    this.stage2 = stage(stage2, true);
    this.transition2 = transition(stage2.channels, stage3.channels);
    this.stage3 = stage(stage3, true);
    this.transition3 = transition(stage3.channels, stage4.channels);
    this.stage4 = stage(stage4, false);
    this.channels = stage4.channels[0];
  }

  override get stages(): readonly (readonly string[])[] {
    return [
      ['conv1', 'bn1', 'conv2', 'bn2'],
      ['layer1'],
      ['transition1', 'stage2'],
      ['transition2', 'stage3'],
      ['transition3', 'stage4'],
    ];
  }

  override forward(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const half = convBatchNorm(this.conv1, this.bn1, images, 'relu');
      let branches = [convBatchNorm(this.conv2, this.bn2, half, 'relu')];
      half.dispose();
      branches = goOn(branches, ([quarter]) => [this.layer1.forward(quarter)]);
      for (const [change, modules] of [
        [this.transition1, this.stage2],
        [this.transition2, this.stage3],
        [this.transition3, this.stage4],
      ] as const) {
        branches = goOn(branches, (before) => applyTransition(change, before));
        for (const module of modules) branches = goOn(branches, (before) => module.forward(before));
      }
      return branches[0];
    });
  }
}

/** One step of a network whose maps are needed no longer afterwards: they are freed at once, and not at the end. */
function goOn(
  before: readonly tf.Tensor4D[],
  step: (maps: readonly tf.Tensor4D[]) => tf.Tensor4D[],
): tf.Tensor4D[] {
  const after = tf.tidy(() => step(before));
  tf.dispose(before.filter((map) => !after.includes(map)));
  return after;
}
