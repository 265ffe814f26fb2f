/** @file Module: a part of a network whose parameters and buffers are found by property, under PyTorch's names. */
import * as tf from '@tensorflow/tfjs';

/**
 * Where the axes of a published (PyTorch) array go: axis i here is axis `order[i]` there. null: the same order.
 * A convolution's OIHW becomes HWIO by [2, 3, 1, 0].
 */
export type AxisOrder = readonly number[] | null;

/** A variable of its own storage: kernels change it in place. */
function variableOf<R extends tf.Rank>(shape: tf.ShapeMap[R], value: number, trainable: boolean) {
  return tf.tidy(() => tf.variable(tf.fill<R>(shape, value), trainable));
}

/** Learned values. */
export class Parameter<R extends tf.Rank = tf.Rank> {
  readonly variable: tf.Variable<R>;

  constructor(
    shape: tf.ShapeMap[R],
    initial: number,
    readonly axisOrder: AxisOrder = null,
  ) {
    this.variable = variableOf<R>(shape, initial, true);
  }
}

/** Values that belong to the state but are not learned by gradient, such as running statistics. */
export class StateBuffer<R extends tf.Rank = tf.Rank> {
  readonly variable: tf.Variable<R>;
  readonly axisOrder: AxisOrder = null;

  constructor(shape: tf.ShapeMap[R], initial: number) {
    this.variable = variableOf<R>(shape, initial, false);
  }
}

/** A whole number of the state; it lives on the host. */
export class Counter {
  value = 0;
}

/** What a state dict has a key for. */
export type StateEntry = Parameter | StateBuffer | Counter;

function isStateEntry(value: unknown): value is StateEntry {
  return value instanceof Parameter || value instanceof StateBuffer || value instanceof Counter;
}

/**
 * A part of a network. Properties that hold a Parameter, StateBuffer, Counter, another Module, or arrays of these make
 * up its state, in the order of the properties; names join property names and array indices with dots. A `null` in an
 * array keeps its index.
 */
export abstract class Module {
  /** Whether the forward pass is one of training: set by `train` and `eval`. */
  training = true;
  /** Whether it will never be trained or saved again: set by `freeze`. */
  frozen = false;
  /** Whether it stays as in evaluation while the rest is trained: batch statistics do not move then. */
  held = false;

  /** The members by name; a member named '' adds no segment to the names below it. */
  members(): Iterable<readonly [string | number, unknown]> {
    return Object.entries(this);
  }

  /** This module (named '') and all below it. */
  namedModules(): Map<string, Module> {
    return new Map(found(this, (value) => value instanceof Module));
  }

  /** This module and all below it; two may share a name where a member adds no segment. */
  #all(): Module[] {
    return Array.from(
      found(this, (value) => value instanceof Module),
      ([, module]) => module,
    );
  }

  /** All that belongs into a state dict. */
  namedState(): Map<string, StateEntry> {
    return new Map(found(this, isStateEntry));
  }

  namedParameters(): Map<string, tf.Variable> {
    return variables(found(this, (value) => value instanceof Parameter));
  }

  namedBuffers(): Map<string, tf.Variable> {
    return variables(found(this, (value) => value instanceof StateBuffer));
  }

  parameters(): tf.Variable[] {
    return [...this.namedParameters().values()];
  }

  /**
   * Switches this module and all below it to training, or to evaluation; what is held stays in evaluation.
   * @throws Error in training if it is frozen
   */
  train(training = true): this {
    if (training && this.frozen) throw new Error('a frozen network cannot be trained');
    for (const module of this.#all()) module.training = training && !module.held;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /**
   * Evaluation for good: the fastest way, in which layers may give up the weights from which they were made. The
   * network can neither be trained nor saved after that.
   */
  freeze(): this {
    for (const module of this.#all()) module.frozen = true;
    return this.eval();
  }

  /** Frees what a layer holds besides its state. */
  protected disposeOwn(): void {}

  /** Frees the tensors of all parameters and buffers. */
  dispose(): void {
    for (const module of this.#all()) module.disposeOwn();
    for (const entry of this.namedState().values()) if (!(entry instanceof Counter)) entry.variable.dispose();
  }
}

/** Every member at or below `value` that `is` asked for, with its name. */
function* found<T>(value: unknown, is: (value: unknown) => value is T, name = ''): Generator<[string, T]> {
  if (is(value)) yield [name, value];
  for (const [key, member] of membersOf(value)) {
    const separator = name === '' || key === '' ? '' : '.';
    yield* found(member, is, `${name}${separator}${key}`);
  }
}

function membersOf(value: unknown): Iterable<readonly [string | number, unknown]> {
  if (value instanceof Module) return value.members();
  return Array.isArray(value) ? value.entries() : [];
}

function variables(entries: Iterable<[string, Parameter | StateBuffer]>): Map<string, tf.Variable> {
  return new Map(Array.from(entries, ([name, {variable}]) => [name, variable]));
}

/** A module that maps one tensor to another, or to several; by default one [B, H, W, C] to another. */
export abstract class Layer<X extends tf.Tensor = tf.Tensor4D, Y = X> extends Module {
  abstract forward(x: X): Y;
}
