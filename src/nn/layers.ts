/** @file The layers that networks are made of, with PyTorch's parameter names and defaults. */
import * as tf from '@tensorflow/tfjs';
import {
  type Activation,
  activate,
  type BatchNormState,
  batchNormInference,
  batchNormTraining,
} from '../engine/ops/batchNorm.js';
import {
  type ConvolutionOptions,
  convolution,
  convolutionNormalized,
  type Normalization,
} from '../engine/ops/convolution.js';
import {maxPool, type PoolingOptions} from '../engine/ops/pooling.js';
import {
  type PreparedConvolution,
  prepareConvolution,
  preparedConvolution,
} from '../engine/ops/preparedConvolution.js';
import {relu} from '../engine/ops/relu.js';
import {transposedConvolution} from '../engine/ops/transposedConvolution.js';
import {UserError} from '../errors.js';
import {CountedLayer} from './counted.js';
import {Counter, Layer, Parameter, StateBuffer} from './module.js';

/** Published as OIHW, held as HWIO; a transposed one as IOHW, and as HWOI. */
const TO_HELD = [2, 3, 1, 0] as const;

/** A convolution of either direction, with a square kernel. */
export abstract class Convolution extends CountedLayer {
  readonly weight: Parameter<tf.Rank.R4>;
  readonly bias: Parameter<tf.Rank.R1> | null;
  /** How many products of an input and a weight an output is the sum of. */
  abstract readonly fanIn: number;

  /**
   * Weights and bias are zero until an initialiser or a checkpoint fills them.
   * @param shape of the weights as they are held
   * @param isPrediction whether this layer gives what the network is asked for: initialisers may let it start near 0
   */
  constructor(
    shape: [number, number, number, number],
    biases: number | null,
    readonly isPrediction: boolean,
  ) {
    super();
    this.weight = new Parameter(shape, 0, TO_HELD);
    this.bias = biases === null ? null : new Parameter<tf.Rank.R1>([biases], 0);
  }
}

/** Products of every weight at every cell. */
function productsAt([, height, width]: readonly number[], {variable}: Parameter): number {
  return height * width * variable.size;
}

export interface Conv2dOptions extends Partial<ConvolutionOptions> {
  readonly bias?: boolean;
  readonly isPrediction?: boolean;
}

/** Convolution of [B, H, W, inputs] with a square kernel. */
export class Conv2d extends Convolution {
  override readonly fanIn: number;
  readonly #options: ConvolutionOptions;
  /** Of a frozen network, once it has been used; null where the backend has no such thing. */
  #prepared: PreparedConvolution | null | undefined;

  constructor(inputs: number, outputs: number, kernel: number, options: Conv2dOptions = {}) {
    const {stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, isPrediction = false} = options;
    super([kernel, kernel, inputs / groups, outputs], bias ? outputs : null, isPrediction);
    this.fanIn = (kernel * kernel * inputs) / groups;
    this.#options = {stride, padding, dilation, groups};
  }

  override macs(output: readonly number[]): number {
    return productsAt(output, this.weight);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    const y = convolution(x, this.weight.variable, this.bias?.variable ?? null, this.#options);
    this.onOutput?.(y.shape, x.shape);
    return y;
  }

  /** activation(this convolution normalised by the running statistics + residual), in one kernel; no gradient. */
  forwardNormalized(
    x: tf.Tensor4D,
    norm: BatchNorm2d,
    activation: Activation,
    residual: tf.Tensor4D | null,
  ): tf.Tensor4D {
    const normalization = {state: norm.state, epsilon: BATCH_NORM.epsilon, activation, residual};
    const prepared = this.frozen ? this.#preparedFor(x, normalization) : null;
    const bias = this.bias?.variable ?? null;
    const y = prepared
      ? preparedConvolution(x, prepared, residual)
      : convolutionNormalized(x, this.weight.variable, bias, this.#options, normalization);
    this.onOutput?.(y.shape, x.shape);
    norm.onOutput?.(y.shape, y.shape);
    return y;
  }

  /** What the first use prepares; the weights are then held twice, and their own tensor is given up. */
  #preparedFor(x: tf.Tensor4D, normalization: Normalization): PreparedConvolution | null {
    if (this.#prepared === undefined) {
      const bias = this.bias?.variable ?? null;
      this.#prepared = prepareConvolution(x, this.weight.variable, bias, this.#options, normalization);
      if (this.#prepared) this.weight.variable.dispose();
    }
    return this.#prepared;
  }

  protected override disposeOwn(): void {
    this.#prepared?.weights.dispose();
    this.#prepared = undefined;
  }
}

export interface ConvTranspose2dOptions {
  readonly stride: number;
  /** Cells cut off on each side of the output. */
  readonly padding: number;
  readonly bias?: boolean;
}

/** Transposed convolution of [B, H, W, inputs] with a square kernel: "deconvolution". */
export class ConvTranspose2d extends Convolution {
  override readonly fanIn: number;
  readonly #options: {readonly stride: number; readonly padding: number};

  constructor(inputs: number, outputs: number, kernel: number, options: ConvTranspose2dOptions) {
    const {stride, padding, bias = true} = options;
    super([kernel, kernel, outputs, inputs], bias ? outputs : null, false);
    this.fanIn = (kernel * kernel * inputs) / stride ** 2;
    this.#options = {stride, padding};
  }

  /** Every cell of the input takes part with every weight of its channels. */
  override macs(_output: readonly number[], input: readonly number[]): number {
    return productsAt(input, this.weight);
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    const options = {...this.#options, outputPadding: 0, groups: 1};
    const y = transposedConvolution(x, this.weight.variable, this.bias?.variable ?? null, options);
    this.onOutput?.(y.shape, x.shape);
    return y;
  }
}

const BATCH_NORM = {momentum: 0.1, epsilon: 1e-5} as const;

/**
 * Batch normalisation: by the batch's statistics in training, by the running ones otherwise.
 * @throws UserError('usage') in training if there is one value a channel
 */
export class BatchNorm2d extends CountedLayer {
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

  /** What it does is not counted. */
  override macs(): number {
    return 0;
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.activated(x, 'none');
  }

  /** activation(normalised x + residual), in training in one kernel; a residual goes with ReLU. */
  activated(x: tf.Tensor4D, activation: Activation, residual: tf.Tensor4D | null = null): tf.Tensor4D {
    this.onOutput?.(x.shape, x.shape);
    if (this.training) {
      this.#count(x);
      return batchNormTraining(x, this.state, BATCH_NORM, activation, residual);
    }
    return tf.tidy(() =>
      activate(batchNormInference(x, this.state, BATCH_NORM.epsilon), activation, residual),
    );
  }

  get state(): BatchNormState {
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

/** The largest value of every window. */
export class MaxPool2d extends Layer {
  readonly #options: PoolingOptions;

  constructor(kernel: number, {stride = kernel, padding = 0}: Partial<PoolingOptions> = {}) {
    super();
    this.#options = {kernel, stride, padding};
  }

  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return maxPool(x, this.#options);
  }
}

export class ReLU extends Layer {
  override forward(x: tf.Tensor4D): tf.Tensor4D {
    return relu(x);
  }
}
