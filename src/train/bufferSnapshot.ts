/** @file What a forward pass in training changes besides its output: running statistics and counters, to be put back. */
import * as tf from '@tensorflow/tfjs';
import {Counter, type Module} from '../nn/module.js';

/** The buffers of a model as they are now. Ends with `restore` or `forget`, which free it. */
export class BufferSnapshot {
  readonly variables: tf.Variable[];
  readonly #copies: tf.Tensor[];
  #isOpen = true;
  readonly #counters: [Counter, number][] = [];

  constructor(model: Module) {
    this.variables = [...model.namedBuffers().values()];
    // A clone would share the memory that kernels change in place.
    this.#copies = tf.tidy(() => this.variables.map((variable) => tf.mul(variable, 1)));
    for (const entry of model.namedState().values()) {
      if (entry instanceof Counter) this.#counters.push([entry, entry.value]);
    }
  }

  /** Puts the values back; nothing, if they were put back or forgotten. */
  restore(): void {
    if (!this.#isOpen) return;
    this.variables.forEach((variable, i) => {
      variable.assign(this.#copies[i]);
    });
    for (const [counter, value] of this.#counters) counter.value = value;
    this.forget();
  }

  forget(): void {
    this.#isOpen = false;
    tf.dispose(this.#copies);
  }
}
