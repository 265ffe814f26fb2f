/** @file Features of a backbone at a place that a configuration names. */
import * as tf from '@tensorflow/tfjs';
import {nearestNames} from '../config/keys.js';
import {UserError} from '../errors.js';
import {Layer} from '../nn/module.js';
import {tapped} from '../nn/observe.js';
import type {Backbone} from './backbone.js';

const SUGGESTIONS = 3;

/** Takes the output of one of a backbone's layers, or that of all of it, which the head gets. */
export class FeatureTap {
  readonly #layer: Layer | null;

  /**
   * @param name of a layer, as its weights are published (`stage3.0.branches.0`); null: what the head gets
   * @param key of the configuration that names it
   * @throws UserError 'usage' if there is no such layer
   */
  constructor(
    private readonly backbone: Backbone,
    private readonly name: string | null,
    private readonly key: string,
  ) {
    this.#layer = name === null ? null : this.#find(name);
  }

  /**
   * Runs the backbone.
   * @param forward gives what the head gets
   * @returns with it the features at this place, [B, H, W, C]
   * @throws UserError 'usage' if there are none
   */
  take<T extends {readonly features: tf.Tensor4D}>(forward: () => T): {result: T; features: tf.Tensor4D} {
    if (!this.#layer) {
      const result = forward();
      return {result, features: result.features};
    }
    const {result, output} = tapped(this.#layer, forward);
    if (output?.rank !== 4) throw this.#wrong('gives no feature map by itself; name the block around it');
    return {result, features: output as tf.Tensor4D};
  }

  /** Of the features, found with a blank image [height, width]. */
  channels(input: readonly [number, number]): number {
    if (!this.#layer) return this.backbone.channels;
    const {training} = this.backbone;
    this.backbone.eval();
    try {
      return tf.tidy(() => {
        const images = tf.zeros([1, ...input, 3]) as tf.Tensor4D;
        return this.take(() => ({features: this.backbone.forward(images)})).features.shape[3];
      });
    } finally {
      this.backbone.train(training);
    }
  }

  #find(name: string): Layer {
    const modules = this.backbone.namedModules();
    const layer = modules.get(name);
    if (name !== '' && layer instanceof Layer) return layer;
    const names = [...modules].flatMap(([own, module]) =>
      own !== '' && module instanceof Layer ? [own] : [],
    );
    const near = nearestNames(name, names, SUGGESTIONS).map((own) => `"${own}"`);
    throw this.#wrong(`is no layer of the backbone. The nearest are ${near.join(', ')}`);
  }

  #wrong(text: string): UserError {
    return new UserError('usage', `${this.key}: "${this.name}" ${text}.`);
  }
}
