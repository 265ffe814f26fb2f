/** @file The layers that networks are made of, with PyTorch's parameter names and defaults. */
import * as tf from '@tensorflow/tfjs';
import {
  type BatchNormState,
  batchNormInference,
  batchNormReluTraining,
  batchNormTraining,
} from '../engine/ops/batchNorm.js';
import {type ConvolutionOptions, convolution} from '../engine/ops/convolution.js';
import {relu} from '../engine/ops/relu.js';
import {upsampleNearest} from '../engine/ops/upsample.js';
import {UserError} from '../errors.js';
import {Counter, Layer, Parameter, StateBuffer} from './module.js';

/** Published as OIHW, held as HWIO. */
const OIHW_TO_HWIO = [2, 3, 1, 0] as const;

export interface Conv2dOptions extends Partial<ConvolutionOptions> {
  readonly bias?: boolean;
}

/** Convolution of [B, H, W, inputs] with a square kernel. */
export class Conv2d extends Layer {
  readonly weight: Parameter<tf.Rank.R4>;
  readonly bias: Parameter<tf.Rank.R1> | null;
  /** Told the shape of every output, for counting operations. */
  onOutput: ((shape: readonly number[]) => void) | null = null;
  readonly #options: ConvolutionOptions;

  /** Weights and bias are zero until an initialiser or a checkpoint fills them. */
  constructor(inputs: number, outputs: number, kernel: number, options: Conv2dOptions = {}) {
    super();
    const {stride = 1, padding = 0, dilation = 1, groups = 1, bias = true} = options;
    this.weight = new Parameter([kernel, kernel, inputs / groups, outputs], 0, OIHW_TO_HWIO);
    this.bias = bias ? new Parameter<tf.Rank.R1>([outputs], 0) : null;
    this.#options = {stride, padding, dilation, groups};
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    const y = convolution(x, this.weight.variable, this.bias?.variable ?? null, this.#options);
    this.onOutput?.(y.shape);
    return y;
  }
}

const BATCH_NORM = {momentum: 0.1, epsilon: 1e-5} as const;

/**
 * Batch normalisation: by the batch's statistics in training, by the running ones otherwise.
 * @throws UserError('usage') in training if there is one value a channel
 */
export class BatchNorm2d extends Layer {
  readonly weight: Parameter<tf.Rank.R1>;
  readonly bias: Parameter<tf.Rank.R1>;
  readonly running_mean: StateBuffer<tf.Rank.R1>;
  readonly running_var: StateBuffer<tf.Rank.R1>;
  readonly num_batches_tracked = new Counter();

  constructor(channels: number) {
    super();
    this.weight = new Parameter([channels], 1);
    this.bias = new Parameter([channels], 0);
    this.running_mean = new StateBuffer([channels], 0);
    this.running_var = new StateBuffer([channels], 1);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    if (!this.training) return batchNormInference(x, this.#state(), BATCH_NORM.epsilon);
    this.#count(x);
    return batchNormTraining(x, this.#state(), BATCH_NORM);
  }

  /** max(0, normalised x + residual), in training in one kernel. */
  activated(x: tf.Tensor4D, residual: tf.Tensor4D | null = null): tf.Tensor4D {
    if (!this.training) {
      return tf.tidy(() => {
        const y = batchNormInference(x, this.#state(), BATCH_NORM.epsilon);
        return relu(residual ? tf.add(y, residual) : y);
      });
    }
    this.#count(x);
    return batchNormReluTraining(x, residual, this.#state(), BATCH_NORM);
  }

  #state(): BatchNormState {
    return {
      scale: this.weight.variable,
      offset: this.bias.variable,
      runningMean: this.running_mean.variable,
      runningVariance: this.running_var.variable,
    };
  }

  #count(x: tf.Tensor4D): void {
    checkCount(x);
    this.num_batches_tracked.value++;
  }
}

/** The unbiased variance of a single value is not defined: it would make the running statistics NaN. */
function checkCount({shape, size}: tf.Tensor4D): void {
  if (size > shape[3]) return;
  throw new UserError(
    'usage',
    `train.batchSize: batch normalisation needs several values of each channel, and has one in [${shape}]; ` +
      'set a larger batch or a larger model.input.',
  );
}

export class ReLU extends Layer {
  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return relu(x);
  }
}

/** Nearest-neighbour enlargement by a whole factor. */
export class Upsample extends Layer {
  readonly #factor: number;

  constructor(factor: number) {
    super();
    this.#factor = factor;
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return upsampleNearest(x, this.#factor);
  }
}

/** Layers one after the other, named by their places. */
export class Sequential extends Layer {
  readonly #layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    this.#layers = layers;
  }

  override members(): Iterable<readonly [number, Layer]> {
    return this.#layers.entries();
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.#layers.reduce((y, layer) => layer.forward(y), x);
  }
}
