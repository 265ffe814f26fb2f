/** @file The gated attention unit (Hua et al. 2022, arXiv:2202.10447) as RTMPose has it, with MMPose's parameter names. */
import * as tf from '@tensorflow/tfjs';
import {silu} from '../engine/ops/activations.js';
import {CountedLayer} from './counted.js';
import {Linear} from './linear.js';
import {Layer, Parameter} from './module.js';

const EPSILON = 1e-5;

/** g·x / max(‖x‖ / √dims, 1e-5) over the last axis, with one learned g (Nguyen & Salazar 2019). */
export class ScaleNorm extends Layer<tf.Tensor3D> {
  readonly g = new Parameter<tf.Rank.R1>([1], 1);

  override forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      // The floor under the square, and not under the root, whose derivative at 0 is infinite.
      const square = tf.maximum(tf.mean(tf.square(x), -1, true), EPSILON ** 2);
      return tf.mul<tf.Tensor3D>(tf.mul(x, tf.rsqrt(square)), this.g.variable);
    });
  }
}

/** A learned factor for each channel. */
class Scale extends Layer<tf.Tensor3D> {
  readonly scale: Parameter<tf.Rank.R1>;

  constructor(channels: number) {
    super();
    this.scale = new Parameter<tf.Rank.R1>([channels], 1);
  }

  override forward(x: tf.Tensor3D): tf.Tensor3D {
    return tf.mul(x, this.scale.variable);
  }
}

export interface GatedAttentionOptions {
  /** Width of queries and keys, s. */
  readonly queryChannels: number;
  /** Width of the gate and of the values, in units of the tokens'. */
  readonly expansion: number;
}

/**
 * res_scale ⊙ x + (u ⊙ A·v)·O for tokens x [B, N, C], with [u, v, base] = SiLU(ScaleNorm(x)·UV), q and k = base ⊙ γ + β,
 * and A = ReLU(q·kᵀ / √s)², whose rows are not normalised.
 */
export class GatedAttention extends CountedLayer<tf.Tensor3D> {
  readonly gamma: Parameter<tf.Rank.R2>;
  readonly beta: Parameter<tf.Rank.R2>;
  readonly o: Linear;
  readonly uv: Linear;
  readonly ln = new ScaleNorm();
  readonly res_scale: Scale;
  readonly #query: number;
  readonly #inner: number;

  constructor(channels: number, {queryChannels, expansion}: GatedAttentionOptions) {
    super();
    this.#query = queryChannels;
    this.#inner = Math.floor(channels * expansion);
    this.gamma = new Parameter<tf.Rank.R2>([2, queryChannels], 0);
    this.beta = new Parameter<tf.Rank.R2>([2, queryChannels], 0);
    this.o = new Linear(this.#inner, channels, {bias: false});
    this.uv = new Linear(channels, 2 * this.#inner + queryChannels, {bias: false});
    this.res_scale = new Scale(channels);
  }

  /** Those of q·kᵀ and of A·v; its linear layers count their own. */
  override macs([batch, tokens]: readonly number[]): number {
    return batch * tokens ** 2 * (this.#query + this.#inner);
  }

  override forward(x: tf.Tensor3D): tf.Tensor3D {
    const y = tf.tidy(() => {
      const mixed = silu(this.uv.forward(this.ln.forward(x)));
      const [u, v, base] = tf.split(mixed, [this.#inner, this.#inner, this.#query], 2);
      const [gammas, betas] = [tf.split(this.gamma.variable, 2), tf.split(this.beta.variable, 2)];
      const [q, k] = gammas.map((gamma, i) => tf.add(tf.mul(base, gamma), betas[i]));
      const scores = tf.relu(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(this.#query)));
      const gated = tf.mul<tf.Tensor3D>(u, tf.matMul(tf.square(scores), v));
      return tf.add<tf.Tensor3D>(this.res_scale.forward(x), this.o.forward(gated));
    });
    this.onOutput?.(y.shape, x.shape);
    return y;
  }
}
