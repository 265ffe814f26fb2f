/** @file What a forward pass in training changes besides its output: running statistics and counters, to be put back. */
import * as tf from '@tensorflow/tfjs';
import {copies} from '../engine/ops/copies.js';
import {Counter, type Module} from '../nn/module.js';

/** The buffers and counters of a model. */
export class ModelBuffers {
  readonly variables: readonly tf.Variable[];
  readonly #counters: readonly Counter[];

  constructor(model: Module) {
    this.variables = [...model.namedBuffers().values()];
    this.#counters = [...model.namedState().values()].filter((entry) => entry instanceof Counter);
  }

  /** Them as they are now. */
  snapshot(): BufferSnapshot {
    return new BufferSnapshot(this.variables, this.#counters);
  }
}

/** Ends with `restore` or `forget`, which free it. */
export class BufferSnapshot {
  readonly #copies: tf.Tensor[];
  readonly #counts: readonly number[];
  #isOpen = true;

  constructor(
    readonly variables: readonly tf.Variable[],
    private readonly counters: readonly Counter[],
  ) {
    this.#copies = copies(variables);
    this.#counts = counters.map(({value}) => value);
  }

  /** Puts the values back; nothing, if they were put back or forgotten. */
  restore(): void {
    if (!this.#isOpen) return;
    this.variables.forEach((variable, i) => {
      variable.assign(this.#copies[i]);
    });
    this.counters.forEach((counter, i) => {
      counter.value = this.#counts[i];
    });
    this.forget();
  }

  forget(): void {
    this.#isOpen = false;
    tf.dispose(this.#copies);
  }
}
