/** @file Optimisers: they hold their state by parameter name, so that it can be saved and found again. */
import * as tf from '@tensorflow/tfjs';
import type {HostTensor, StateDict} from '../checkpoint/stateDict.js';
import type {Config} from '../config/schema.js';
import {adamStep} from '../engine/ops/adam.js';
import {UserError} from '../errors.js';

type OptimizerConfig = Config['train']['optimizer'];

function toHost(variable: tf.Variable): HostTensor {
  return {dtype: 'F32', shape: variable.shape, data: variable.dataSync<'float32'>().slice()};
}

/** Adam (Kingma & Ba 2015) without weight decay, over named parameters. */
export class Adam {
  readonly #names: string[];
  readonly #parameters: tf.Variable[];
  readonly #firstMoments: tf.Variable[];
  readonly #secondMoments: tf.Variable[];
  #steps = 0;

  constructor(
    parameters: ReadonlyMap<string, tf.Variable>,
    readonly config: OptimizerConfig,
  ) {
    this.#names = [...parameters.keys()];
    this.#parameters = [...parameters.values()];
    const zeros = () =>
      this.#parameters.map((parameter) => tf.tidy(() => tf.variable(tf.zerosLike(parameter), false)));
    this.#firstMoments = zeros();
    this.#secondMoments = zeros();
  }

  /**
   * One update of every parameter, in place.
   * @param gradients in the order of the parameters
   */
  step(gradients: readonly tf.Tensor[], learningRate: number): void {
    this.#steps++;
    adamStep({
      parameters: this.#parameters,
      gradients,
      firstMoments: this.#firstMoments,
      secondMoments: this.#secondMoments,
      step: this.#steps,
      learningRate,
      betas: this.config.betas,
      epsilon: this.config.epsilon,
    });
  }

  /** The moments as `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`, and the number of steps taken. */
  state(): StateDict {
    const state: StateDict = new Map();
    this.#names.forEach((name, i) => {
      state.set(`exp_avg.${name}`, toHost(this.#firstMoments[i]));
      state.set(`exp_avg_sq.${name}`, toHost(this.#secondMoments[i]));
    });
    state.set('step', {dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(this.#steps))});
    return state;
  }

  /**
   * Takes over a saved state.
   * @throws UserError if a moment is missing or has another shape
   */
  load(state: StateDict, file: string): void {
    const moment = (key: string, variable: tf.Variable): void => {
      const saved = state.get(key);
      if (!saved || !tf.util.arraysEqual([...saved.shape], variable.shape)) {
        const found = saved ? `has shape [${saved.shape}]` : 'is missing';
        throw new UserError(
          'checkpoint',
          `${file}: "${key}" ${found}; the optimizer's state is for another model.`,
        );
      }
      tf.tidy(() =>
        variable.assign(tf.tensor(Float32Array.from(saved.data as Float32Array), variable.shape)),
      );
    };
    this.#names.forEach((name, i) => {
      moment(`exp_avg.${name}`, this.#firstMoments[i]);
      moment(`exp_avg_sq.${name}`, this.#secondMoments[i]);
    });
    this.#steps = Number(state.get('step')?.data[0] ?? 0);
  }

  dispose(): void {
    tf.dispose([this.#firstMoments, this.#secondMoments]);
  }
}
