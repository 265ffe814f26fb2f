/** @file ResNet (He et al. 2016) with SimpleBaseline's deconvolutions after it (Xiao et al. 2018). */
import * as tf from '@tensorflow/tfjs';
import type {ResNetConfig} from '../../config/modelSchema.js';
import {BatchNorm2d, Conv2d, MaxPool2d, ReLU} from '../../nn/layers.js';
import {Sequential} from '../../nn/sequential.js';
import {Backbone} from '../backbone.js';
import {deconvolutions} from '../necks/deconvolution.js';
import {strideOf} from '../stride.js';
import {BasicBlock, BOTTLENECK_EXPANSION, Bottleneck} from './residual.js';

const BASIC = {make: (...args: [number, number, number]) => new BasicBlock(...args), expansion: 1};
const BOTTLENECK = {
  make: (...args: [number, number, number]) => new Bottleneck(...args),
  expansion: BOTTLENECK_EXPANSION,
};

/** Layers -> the blocks of its four stages, and their kind (He et al. 2016, Table 1). */
const DEPTHS = {
  18: {block: BASIC, stages: [2, 2, 2, 2]},
  34: {block: BASIC, stages: [3, 4, 6, 3]},
  50: {block: BOTTLENECK, stages: [3, 4, 6, 3]},
  101: {block: BOTTLENECK, stages: [3, 4, 23, 3]},
  152: {block: BOTTLENECK, stages: [3, 8, 36, 3]},
} as const;

/** The four stages: each twice as wide as the one before it, and from the second on half as high. */
function residualStages({layers, channels}: ResNetConfig): {stages: Sequential[]; outputs: number} {
  const {block, stages} = DEPTHS[layers];
  let inputs = channels;
  const made = stages.map((count, stage) => {
    const width = channels * 2 ** stage;
    const blocks = Array.from({length: count}, (_, i) => {
      const from = inputs;
      inputs = width * block.expansion;
      return block.make(from, width, i === 0 && stage > 0 ? 2 : 1);
    });
    return new Sequential(...blocks);
  });
  return {stages: made, outputs: inputs};
}

/** The backbone, with the names of the published checkpoints. */
export class ResNet extends Backbone {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential;
  readonly deconv_layers: Sequential;
  override readonly channels: number;
  override readonly stride: number;
  readonly #body: Sequential;

  constructor(config: ResNetConfig) {
    super();
    const {channels, deconvolution} = config;
    const {stages, outputs} = residualStages(config);
    this.conv1 = new Conv2d(3, channels, 7, {stride: 2, padding: 3, bias: false});
    this.bn1 = new BatchNorm2d(channels);
    [this.layer1, this.layer2, this.layer3, this.layer4] = stages;
    this.deconv_layers = deconvolutions(outputs, deconvolution);
    this.channels = deconvolution.at(-1) ?? outputs;
    this.stride = strideOf(config);
    const stem = [this.conv1, this.bn1, new ReLU(), new MaxPool2d(3, {stride: 2, padding: 1})];
    this.#body = new Sequential(...stem, ...stages, this.deconv_layers);
  }

  override get stages(): readonly (readonly string[])[] {
    const stages = [['conv1', 'bn1'], ['layer1'], ['layer2'], ['layer3'], ['layer4']];
    return this.deconv_layers.isEmpty ? stages : [...stages, ['deconv_layers']];
  }

  override forward(images: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.#body.forward(images));
  }
}
