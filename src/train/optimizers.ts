/** @file Optimisers: they hold their state by parameter name, so that it can be saved and found again. */
import * as tf from '@tensorflow/tfjs';
import type {StateDict} from '../checkpoint/stateDict.js';
import type {TrainConfig} from '../config/schema.js';
import {adamStep} from '../engine/ops/adam.js';
import {decayWeights} from '../engine/ops/decayWeights.js';
import {sgdStep} from '../engine/ops/sgd.js';
import {UserError} from '../errors.js';
import {fromHost, toHost} from '../nn/stateDict.js';
import type {TrainedParameter} from './parameterGroups.js';

type OptimizerConfig = TrainConfig['optimizer'];

/** Parameters with the same settings: they move in one call of the engine. */
interface Bucket {
  readonly learningRateFactor: number;
  readonly weightDecay: number;
  /** Places in the list of parameters. */
  readonly indices: readonly number[];
}

/** The parts of a list that lie at these places. */
function at<T>(list: readonly T[], indices: readonly number[]): T[] {
  return indices.map((i) => list[i]);
}

function bucketsOf(parameters: readonly TrainedParameter[]): Bucket[] {
  const buckets = new Map<string, Bucket & {indices: number[]}>();
  for (const [i, {learningRateFactor, weightDecay}] of parameters.entries()) {
    const key = `${learningRateFactor} ${weightDecay}`;
    const bucket = buckets.get(key) ?? {learningRateFactor, weightDecay, indices: []};
    bucket.indices.push(i);
    buckets.set(key, bucket);
  }
  return [...buckets.values()];
}

/** Moves named parameters by their gradients, and remembers what its algorithm has to. */
export abstract class Optimizer {
  readonly #parameters: readonly TrainedParameter[];
  readonly #buckets: readonly Bucket[];
  /** A name of PyTorch's -> one tensor for each parameter. */
  readonly #slots: ReadonlyMap<string, readonly tf.Variable[]>;
  #steps = 0;

  constructor(parameters: readonly TrainedParameter[], slots: readonly string[]) {
    this.#parameters = parameters;
    this.#buckets = bucketsOf(parameters);
    const zeros = () =>
      parameters.map(({variable}) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
    this.#slots = new Map(slots.map((slot) => [slot, zeros()]));
  }

  /**
   * One update of every parameter, in place.
   * @param gradients in the order of the parameters
   */
  step(gradients: readonly tf.Tensor[], learningRate: number): void {
    this.#steps++;
    for (const {indices, learningRateFactor, weightDecay} of this.#buckets) {
      this.move({
        parameters: at(this.#parameters, indices).map(({variable}) => variable),
        gradients: at(gradients, indices),
        state: (slot) => at(this.#slots.get(slot)!, indices),
        step: this.#steps,
        learningRate: learningRate * learningRateFactor,
        weightDecay,
      });
    }
  }

  protected abstract move(move: Move): void;

  /** The tensors as `<slot>.<parameter>`, and the number of steps taken. */
  state(): StateDict {
    const state: StateDict = new Map();
    for (const [key, variable] of this.#named()) state.set(key, toHost(variable));
    state.set('step', {dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(this.#steps))});
    return state;
  }

  /**
   * Takes over a saved state.
   * @throws UserError if a tensor is missing or has another shape: the state is of another model or optimiser
   */
  load(state: StateDict, file: string): void {
    for (const [key, variable] of this.#named()) {
      const saved = state.get(key);
      if (!saved) {
        throw new UserError(
          'checkpoint',
          `${file}: "${key}" is missing; the optimizer's state is for another model or another train.optimizer.`,
        );
      }
      tf.tidy(() => variable.assign(fromHost(saved, variable.shape, `${file}: "${key}"`)));
    }
    this.#steps = Number(state.get('step')?.data[0] ?? 0);
  }

  dispose(): void {
    tf.dispose([...this.#slots.values()].flat());
  }

  *#named(): Generator<[string, tf.Variable]> {
    for (const [i, {name}] of this.#parameters.entries()) {
      for (const [slot, variables] of this.#slots) yield [`${slot}.${name}`, variables[i]];
    }
  }
}

/** What one bucket is to do in a step. */
interface Move {
  readonly parameters: readonly tf.Variable[];
  readonly gradients: readonly tf.Tensor[];
  readonly state: (slot: string) => tf.Variable[];
  /** Counts from 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** Adam (Kingma & Ba 2015); weight decay goes into the gradients, as PyTorch's Adam has it. */
class Adam extends Optimizer {
  constructor(
    parameters: readonly TrainedParameter[],
    readonly config: OptimizerConfig,
  ) {
    super(parameters, ['exp_avg', 'exp_avg_sq']);
  }

  protected override move({state, weightDecay, gradients, ...move}: Move): void {
    tf.tidy(() => {
      const decayed =
        weightDecay === 0
          ? gradients
          : gradients.map((gradient, i) => tf.add(gradient, tf.mul(move.parameters[i], weightDecay)));
      const {betas, epsilon} = this.config;
      const [firstMoments, secondMoments] = [state('exp_avg'), state('exp_avg_sq')];
      adamStep({...move, gradients: decayed, firstMoments, secondMoments, betas, epsilon});
    });
  }
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019, Alg. 2), the decay before the step as in PyTorch. */
class AdamW extends Adam {
  protected override move({weightDecay, ...move}: Move): void {
    if (weightDecay !== 0) decayWeights({...move, weightDecay});
    super.move({...move, weightDecay: 0});
  }
}

/** Gradient descent with momentum, as PyTorch's SGD without dampening; weight decay goes into the gradients. */
class Sgd extends Optimizer {
  constructor(
    parameters: readonly TrainedParameter[],
    readonly config: OptimizerConfig,
  ) {
    super(parameters, config.momentum === 0 ? [] : ['momentum_buffer']);
  }

  protected override move({state, ...move}: Move): void {
    const {momentum, nesterov} = this.config;
    const velocities = momentum === 0 ? [] : state('momentum_buffer');
    sgdStep({...move, velocities, momentum, nesterov});
  }
}

const OPTIMIZERS = {adam: Adam, adamw: AdamW, sgd: Sgd} as const;

/** The optimiser of a configuration, at its start. */
export function createOptimizer(parameters: readonly TrainedParameter[], config: OptimizerConfig): Optimizer {
  return new OPTIMIZERS[config.type](parameters, config);
}
