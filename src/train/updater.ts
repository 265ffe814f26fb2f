/**
 * @file One step: gradients of its batches, their mean, the check that all is finite, the clipping, the optimiser.
 * The weights and running statistics change together, or not at all.
 */
import * as tf from '@tensorflow/tfjs';
import type {TrainConfig} from '../config/schema.js';
import type {Batch, SampleInfo} from '../data/types.js';
import {norms} from '../engine/ops/norms.js';
import {withPrecision} from '../engine/precision.js';
import {type Draws, stepDraws} from '../random.js';
import type {TopDownInputs, TopDownTask} from '../tasks/topDown.js';
import {type BufferSnapshot, ModelBuffers} from './bufferSnapshot.js';
import {type Diagnosis, diagnose} from './diagnosis.js';
import type {Optimizer} from './optimizers.js';
import type {TrainedParameter} from './parameterGroups.js';

/** What there is to say of a step that was not carried out. */
export interface NonFinite {
  /** The batches of the step. */
  readonly batches: readonly {readonly loss: number; readonly samples: readonly SampleInfo[]}[];
  /** The length of the mean gradient of each parameter. */
  readonly gradientNorms: ReadonlyMap<string, number>;
  readonly diagnosis: Diagnosis;
}

export interface StepValues {
  /** The mean over the batches. */
  readonly loss: number;
  /** What the loss is the sum of, as far as the task tells; means, too. */
  readonly terms: Readonly<Record<string, number>>;
  readonly gradNorm: number;
  /** null: everything was finite, and the weights were changed. */
  readonly problem: NonFinite | null;
}

/** The step in progress. */
interface Pending {
  readonly before: BufferSnapshot;
  /** Sums over the batches, in the order of the parameters. */
  gradients: tf.Tensor[];
  readonly losses: tf.Scalar[];
  /** Of each batch. */
  readonly terms: Record<string, tf.Scalar>[];
  readonly samples: (readonly SampleInfo[])[];
  /** The newest batch, and what was drawn for it. */
  inputs: TopDownInputs | null;
  draws: Draws | null;
}

const length = (values: Iterable<number>) => Math.hypot(...values);

export class Updater {
  readonly #variables: tf.Variable[];
  readonly #buffers: ModelBuffers;
  #pending: Pending | null = null;

  constructor(
    readonly task: TopDownTask,
    private readonly parameters: readonly TrainedParameter[],
    private readonly optimizer: Optimizer,
    private readonly settings: Pick<TrainConfig, 'clipGradNorm' | 'precision'>,
    private readonly seed: number,
  ) {
    this.#variables = parameters.map(({variable}) => variable);
    this.#buffers = new ModelBuffers(task.model);
  }

  /**
   * Adds the gradients of a batch to the step in progress, or begins one; nothing is read from the device.
   * @param step counted from 0: what the batch draws depends on it, and on the batch's place in the step
   */
  add(batch: Batch, step: number): void {
    this.addInputs(this.task.upload(batch), batch.samples, step);
  }

  /** The same for a batch that is on the device, whose tensors are taken over. */
  addInputs(inputs: TopDownInputs, samples: readonly SampleInfo[], step: number): void {
    try {
      this.#pending ??= this.#begin();
      const pending = this.#pending;
      if (pending.inputs) tf.dispose({...pending.inputs});
      pending.inputs = inputs;
      pending.draws = stepDraws(this.seed, step, pending.losses.length);
      this.#addGradients(pending, inputs, pending.draws);
      pending.samples.push(samples);
    } catch (error) {
      tf.dispose({...inputs});
      this.discard();
      throw error;
    }
  }

  #begin(): Pending {
    return {
      before: this.#buffers.snapshot(),
      gradients: [],
      losses: [],
      terms: [],
      samples: [],
      inputs: null,
      draws: null,
    };
  }

  #addGradients(pending: Pending, inputs: TopDownInputs, draws: Draws): void {
    const {value, terms, gradients} = withPrecision(this.settings.precision, () =>
      this.task.gradients(inputs, this.#variables, draws),
    );
    pending.losses.push(value);
    pending.terms.push(terms);
    if (pending.gradients.length === 0) {
      pending.gradients = gradients;
      return;
    }
    const before = pending.gradients;
    try {
      pending.gradients = tf.tidy(() => before.map((sum, i) => tf.add(sum, gradients[i])));
      tf.dispose(before);
    } finally {
      tf.dispose(gradients);
    }
  }

  /**
   * Moves the weights by the mean gradient of the batches, unless the loss, the gradient or a running statistic is not
   * finite: then everything is as it was before the step. Reads from the device once.
   * @throws Error if no batch was added
   */
  finish(learningRate: number): StepValues {
    const pending = this.#pending;
    if (!pending) throw new Error('a step needs a batch');
    try {
      const {gradientNorms, bufferNorms, losses, terms} = read(pending);
      const batches = losses.length;
      const gradNorm = length(gradientNorms) / batches;
      const loss = mean(losses);
      const isSound = [gradNorm, loss, ...bufferNorms].every(Number.isFinite);
      if (!isSound) return {loss, terms, gradNorm, problem: this.#problem(pending, gradientNorms, losses)};
      this.#apply(
        pending.gradients,
        clipFactor(gradNorm, this.settings.clipGradNorm) / batches,
        learningRate,
      );
      pending.before.forget();
      return {loss, terms, gradNorm, problem: null};
    } finally {
      this.discard();
    }
  }

  /** Drops the step in progress: running statistics are as they were before it. */
  discard(): void {
    if (!this.#pending) return;
    const {before, gradients, losses, terms, inputs} = this.#pending;
    this.#pending = null;
    before.restore();
    tf.dispose([gradients, losses, terms, {...inputs}]);
  }

  #apply(gradients: readonly tf.Tensor[], factor: number, learningRate: number): void {
    if (factor === 1) {
      this.optimizer.step(gradients, learningRate);
      return;
    }
    tf.tidy(() =>
      this.optimizer.step(
        gradients.map((gradient) => tf.mul(gradient, factor)),
        learningRate,
      ),
    );
  }

  #problem(pending: Pending, gradientNorms: readonly number[], losses: readonly number[]): NonFinite {
    const byName = new Map(
      this.parameters.map(({name}, i): [string, number] => [name, gradientNorms[i] / losses.length]),
    );
    pending.before.restore();
    const diagnosis = withPrecision(this.settings.precision, () =>
      diagnose(this.task, pending.inputs!, pending.draws!, byName),
    );
    const batches = losses.map((loss, i) => ({loss, samples: pending.samples[i]}));
    return {batches, gradientNorms: byName, diagnosis};
  }
}

/** All that is looked at before the weights change, in one transfer from the device. */
function read({gradients, losses, terms, before}: Pending) {
  const scalars = [...losses, ...terms.flatMap((ofBatch) => Object.values(ofBatch))];
  const values = tf.tidy(() =>
    tf.concat([norms(gradients), norms(before.variables), tf.stack(scalars) as tf.Tensor1D]),
  );
  const numbers = [...values.dataSync<'float32'>()];
  values.dispose();
  const read = numbers.slice(-scalars.length);
  return {
    gradientNorms: numbers.slice(0, gradients.length),
    bufferNorms: numbers.slice(gradients.length, -scalars.length),
    losses: read.slice(0, losses.length),
    terms: meanTerms(Object.keys(terms[0]), read.slice(losses.length)),
  };
}

/** @param values of the terms of one batch after another */
function meanTerms(names: readonly string[], values: readonly number[]): Record<string, number> {
  const ofTerm = (term: number) => values.filter((_, i) => i % names.length === term);
  return Object.fromEntries(names.map((name, term) => [name, mean(ofTerm(term))]));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What a gradient of this length is multiplied by, as in PyTorch's `clip_grad_norm_`. */
export function clipFactor(norm: number, longest: number | null): number {
  return longest === null ? 1 : Math.min(1, longest / (norm + 1e-6));
}
