/** @file A moving average of the weights over the steps, which often predicts better than the weights themselves. */
import * as tf from '@tensorflow/tfjs';
import type {StateDict} from '../checkpoint/stateDict.js';
import type {TrainConfig} from '../config/schema.js';
import {copies} from '../engine/ops/copies.js';
import {moveAverages} from '../engine/ops/movingAverage.js';
import type {Module} from '../nn/module.js';
import {getStateDict, loadStateDict} from '../nn/stateDict.js';

type EmaConfig = TrainConfig['ema'];

/**
 * The share of the new weights in the average after `updates` earlier updates: 1 at first, and then as in MMEngine's
 * ExpMomentumEMA (1 − d) + d·e^(−(1 + updates) / warmup), d the decay.
 */
export function averageShare({decay, warmup}: EmaConfig, updates: number): number {
  if (updates === 0) return 1;
  return 1 - decay + (warmup > 0 ? decay * Math.exp(-(1 + updates) / warmup) : 0);
}

/**
 * The averages of a model's parameters and running statistics: both, as in timm and in RTMPose's recipe; counters are
 * the model's own.
 */
export class WeightAverage {
  readonly #values: tf.Variable[];
  readonly #averages: tf.Variable[];
  #updates = 0;

  constructor(
    readonly model: Module,
    readonly config: EmaConfig,
  ) {
    this.#values = [...model.namedParameters().values(), ...model.namedBuffers().values()];
    this.#averages = tf.tidy(() => copies(this.#values).map((copy) => tf.variable(copy, false)));
  }

  /** Updates so far. */
  get updates(): number {
    return this.#updates;
  }

  /** To be called after every change of the weights. */
  update(): void {
    const share = averageShare(this.config, this.#updates++);
    moveAverages({averages: this.#averages, values: this.#values, share});
  }

  /** Runs `body` with the averages in the place of the model's weights. */
  async during<T>(body: () => Promise<T>): Promise<T> {
    const putBack = this.#swapIn();
    try {
      return await body();
    } finally {
      putBack();
    }
  }

  /** The averages under the names of the model's state. */
  state(): StateDict {
    const putBack = this.#swapIn();
    try {
      return getStateDict(this.model);
    } finally {
      putBack();
    }
  }

  /**
   * Takes over saved averages; of the model itself only the counters change.
   * @throws UserError if they are of another model
   */
  load(dict: StateDict, file: string, updates: number): void {
    const putBack = this.#swapIn();
    try {
      loadStateDict(this.model, dict, file);
      this.#takeValues();
    } finally {
      putBack();
    }
    this.#updates = updates;
  }

  /** Begins anew from the model's weights as they are. */
  reset(): void {
    this.#takeValues();
    this.#updates = 0;
  }

  #takeValues(): void {
    tf.tidy(() =>
      copies(this.#values).forEach((copy, i) => {
        this.#averages[i].assign(copy);
      }),
    );
  }

  /** Shares memory and copies nothing: nobody may change the weights until they are put back. */
  #swapIn(): () => void {
    const own = this.#values.map((value) => tf.keep(tf.clone(value)));
    this.#values.forEach((value, i) => {
      value.assign(this.#averages[i]);
    });
    return () => {
      this.#values.forEach((value, i) => {
        value.assign(own[i]);
      });
      tf.dispose(own);
    };
  }

  dispose(): void {
    tf.dispose(this.#averages);
  }
}
