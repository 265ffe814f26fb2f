/**
 * @file RDPose's head: heatmaps of the keypoints and of the person's centre, by one convolution over the features as they are
 * and over the features decoupled at the centre (Wang et al. 2025; its code, wz-cloud/RDPose).
 */
import * as tf from '@tensorflow/tfjs';
import type {PerturbationConfig, RdposeConfig} from '../../config/modelSchema.js';
import {withoutGradient} from '../../engine/gradients.js';
import type {SupervisedOutputs} from '../../losses/supervised.js';
import {Conv2d} from '../../nn/layers.js';
import {Head, type TrainingStep} from '../head.js';
import {anchorAt, fixedCells, lastMapPeaks} from './anchor.js';
import {FeatureDecoupling} from './decoupling.js';
import {drawPerturbations, perturbedAnchors, perturbedFeatures} from './perturbation.js';

/** Of the heatmaps at the first anchor, at the centre found there, and of the plain ones, in the published code. */
const WEIGHTS = {first: 1, found: 1.5, plain: 1} as const;
/** Where the published code looks first, whatever the size of the map: its centre where it is 64 by 64. */
const RELEASED_ANCHOR = 32;
const RELEASED_RANGE = [1e-4, 1 - 1e-4] as const;

export class RdposeHead extends Head {
  /** The way of `forward`. The weights are the same for both, so that it may be changed at any time. */
  inference: RdposeConfig['inference'];
  readonly #final: Conv2d;
  /** null: `decoupling: none`, which has one way of inference alone. */
  readonly #decoupling: FeatureDecoupling | null;

  /** @param name of the convolution that makes heatmaps, in the published checkpoints */
  constructor(
    channels: number,
    readonly keypoints: number,
    private readonly config: Pick<RdposeConfig, 'decoupling' | 'inference' | 'perturbation'>,
    readonly name = 'final_layer',
  ) {
    super();
    this.inference = config.inference;
    this.#final = new Conv2d(channels, keypoints + 1, 1, {isPrediction: true});
    this.#decoupling = config.decoupling === 'none' ? null : new FeatureDecoupling(channels);
  }

  override members(): Iterable<readonly [string, Conv2d | FeatureDecoupling]> {
    const own = [this.name, this.#final] as const;
    return this.#decoupling ? [own, ['', this.#decoupling]] : [own];
  }

  override adjustStart(): void {
    if (this.config.decoupling === 'corrected') this.#decoupling?.startOpen();
  }

  /** The ways of inference that differ. */
  get ways(): readonly RdposeConfig['inference'][] {
    return this.#decoupling ? ['decoupled', 'plain'] : ['plain'];
  }

  /** @returns the keypoints' maps, without the centre's */
  override forward(features: tf.Tensor4D): tf.Tensor[] {
    return tf.tidy(() => {
      const decoupling = this.inference === 'plain' ? null : this.#decoupling;
      const plain = this.#final.forward(features);
      if (!decoupling) return [this.#withoutCentre(plain)];
      const found = anchorAt(features, lastMapPeaks(this.#activated(plain)));
      return [this.#withoutCentre(this.#heatmaps(decoupling.forward(features, found)))];
    });
  }

  /** The plain heatmaps come last. */
  override supervised(features: tf.Tensor4D, step: TrainingStep | null): SupervisedOutputs[] {
    return tf.tidy(() => {
      const plain = {outputs: [this.#final.forward(features)], weight: WEIGHTS.plain, name: 'plain'};
      const decoupled = this.#decoupling ? this.#decoupled(features, this.#decoupling) : [];
      const [reference] = (decoupled.at(-1) ?? plain).outputs;
      return [...decoupled, ...this.#perturbed(features, reference, step), plain];
    });
  }

  /** At a first guess, and at the centre that is found there. */
  #decoupled(features: tf.Tensor4D, decoupling: FeatureDecoupling): SupervisedOutputs[] {
    const [batch, , width] = features.shape;
    const guess = anchorAt(features, fixedCells(batch, this.#firstCell(features), width));
    const first = this.#heatmaps(decoupling.forward(features, guess));
    const found = anchorAt(features, lastMapPeaks(first));
    return [
      {outputs: [first], weight: WEIGHTS.first, name: 'first'},
      {outputs: [this.#heatmaps(decoupling.forward(features, found))], weight: WEIGHTS.found, name: 'found'},
    ];
  }

  /** Row and column. */
  #firstCell({shape: [, height, width]}: tf.Tensor4D): readonly [number, number] {
    if (this.config.decoupling !== 'released') return [height >> 1, width >> 1];
    return [Math.min(RELEASED_ANCHOR, height - 1), Math.min(RELEASED_ANCHOR, width - 1)];
  }

  /** @param reference the heatmaps without perturbation */
  #perturbed(features: tf.Tensor4D, reference: tf.Tensor, step: TrainingStep | null): SupervisedOutputs[] {
    const config = this.config.perturbation;
    if (config.weight === 0 || !step) return [];
    const outputs = [this.#perturbedHeatmaps(features, config, step)];
    const {weight, consistency} = config;
    const perturbed = {outputs, weight, name: 'perturbed'};
    if (consistency === 0) return [perturbed];
    const targets = [withoutGradient(() => tf.clone(reference))];
    return [perturbed, {outputs, weight: consistency, targets, name: 'consistency'}];
  }

  #perturbedHeatmaps(
    features: tf.Tensor4D,
    config: PerturbationConfig,
    {offTargets, draws}: TrainingStep,
  ): tf.Tensor4D {
    if (!offTargets) throw new Error('perturbation needs the off-target places of the batch');
    const [, height, width] = features.shape;
    const samples = drawPerturbations(offTargets, [height, width], config, draws('perturbation'));
    const perturbed = perturbedFeatures(features, samples, config.residueSigma);
    if (!this.#decoupling) return this.#final.forward(perturbed);
    return this.#heatmaps(this.#decoupling.forward(perturbed, perturbedAnchors(features, samples)));
  }

  #heatmaps(features: tf.Tensor4D): tf.Tensor4D {
    return this.#activated(this.#final.forward(features));
  }

  /** The published code squashes the decoupled heatmaps alone, and so trains one convolution on two scales. */
  #activated(heatmaps: tf.Tensor4D): tf.Tensor4D {
    if (this.config.decoupling !== 'released') return heatmaps;
    return tf.clipByValue(tf.sigmoid(heatmaps), ...RELEASED_RANGE);
  }

  #withoutCentre(heatmaps: tf.Tensor4D): tf.Tensor4D {
    const [batch, height, width] = heatmaps.shape;
    return tf.slice(heatmaps, [0, 0, 0, 0], [batch, height, width, this.keypoints]);
  }
}
