/**
 * @file Reverse-mode differentiation over TensorFlow.js's tape that gives memory back as it goes: each node's saved
 * activations and incoming gradients are freed once it is done. TensorFlow.js's own keeps them all to the end, which
 * takes more than twice the memory of a training step.
 */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './ops/kernels.js';

/** A recorded kernel, as TensorFlow.js's tape holds it. */
interface TapeNode {
  readonly kernelName: string;
  readonly inputs: tf.NamedTensorMap;
  readonly outputs: tf.Tensor[];
  readonly saved?: tf.Tensor[];
  readonly gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

/** The part of TensorFlow.js's engine that records; not in its public types. */
interface Recorder {
  startTape(): void;
  endTape(): void;
  readonly state: {activeTape: TapeNode[] | null; gradientDepth: number};
}

/** A loss, and what it is the sum of, as far as that is to be told. A type and not an interface, so that `tf.tidy` can give it back. */
export type Loss = {
  readonly value: tf.Scalar;
  readonly terms: Record<string, tf.Scalar>;
};

export type LossAndGradients = Loss & {
  /** In the order of the variables. */
  readonly gradients: tf.Tensor[];
};

/** Whether kernels are being recorded for a gradient. */
export function isRecording(): boolean {
  return (tf.engine() as unknown as Recorder).state.gradientDepth > 0;
}

/**
 * What `f` gives and the derivative of its value by each variable. Cannot be nested.
 * @throws Error if a variable does not influence the value, or if a kernel on the way has no gradient
 */
export function lossAndGradients(f: () => Loss, variables: readonly tf.Variable[]): LossAndGradients {
  const recorder = tf.engine() as unknown as Recorder;
  if (recorder.state.gradientDepth > 0) throw new Error('gradients cannot be nested');
  let tape: TapeNode[] = [];
  try {
    recorder.startTape();
    let loss: Loss;
    try {
      loss = tf.tidy(f);
    } finally {
      recorder.endTape();
      tape = recorder.state.activeTape ?? [];
      recorder.state.activeTape = null;
    }
    return {...loss, gradients: backward(tape, loss.value, variables)};
  } finally {
    for (const {saved} of tape) if (saved) tf.dispose(saved);
  }
}

/** The same for a value without terms. */
export function valueAndGradients(
  f: () => tf.Scalar,
  variables: readonly tf.Variable[],
): Omit<LossAndGradients, 'terms'> {
  const {value, gradients} = lossAndGradients(() => ({value: f(), terms: {}}), variables);
  return {value, gradients};
}

/** What `f` gives, as a constant: no gradient goes through it, and none of its kernels is recorded. */
export function withoutGradient<T extends tf.TensorContainer>(f: () => T): T {
  const {state} = tf.engine() as unknown as Recorder;
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return tf.tidy(f);
  } finally {
    state.gradientDepth = depth;
  }
}

/** Ids of all tensors that depend on the variables. */
function dependents(tape: readonly TapeNode[], variables: readonly tf.Variable[]): Set<number> {
  const ids = new Set(variables.map(({id}) => id));
  for (const {inputs, outputs} of tape) {
    if (Object.values(inputs).some(({id}) => ids.has(id))) for (const {id} of outputs) ids.add(id);
  }
  return ids;
}

function backward(
  tape: readonly TapeNode[],
  value: tf.Scalar,
  variables: readonly tf.Variable[],
): tf.Tensor[] {
  const relevant = dependents(tape, variables);
  const gradients = new Map<number, tf.Tensor>([[value.id, tf.onesLike(value)]]);
  for (const node of [...tape].reverse()) {
    const dys = node.outputs.map(({id}) => gradients.get(id) ?? null);
    const names = Object.keys(node.inputs).filter((name) => relevant.has(node.inputs[name].id));
    if (names.length > 0 && dys.some((dy) => dy !== null)) {
      const found = nodeGradients(node, dys, names);
      for (const name of names) accumulate(gradients, node.inputs[name].id, found[name]);
    }
    for (const {id} of node.outputs) {
      gradients.get(id)?.dispose();
      gradients.delete(id);
    }
    if (node.saved) tf.dispose(node.saved);
  }
  return variables.map((variable) => {
    const gradient = gradients.get(variable.id);
    if (!gradient) throw new Error(`no gradient reaches a variable of shape [${variable.shape}]`);
    return gradient;
  });
}

/** The gradients by the named inputs, each a tensor of its own. */
function nodeGradients(
  node: TapeNode,
  dys: (tf.Tensor | null)[],
  names: readonly string[],
): tf.NamedTensorMap {
  const {gradient, kernelName} = node;
  if (!gradient) throw new Error(`the kernel ${kernelName} has no gradient`);
  return tf.tidy(() => {
    const byInput = gradient(dys);
    const taken = new Set<tf.Tensor | null>(dys);
    const found: tf.NamedTensorMap = {};
    for (const name of names) {
      if (!byInput[name]) throw new Error(`the kernel ${kernelName} has no gradient by its input "${name}"`);
      const dx = byInput[name]();
      // A sum hands its own gradient on to every term; each must be free to go on its own.
      found[name] = taken.has(dx) ? tf.clone(dx) : dx;
      taken.add(dx);
    }
    return found;
  });
}

function accumulate(gradients: Map<number, tf.Tensor>, id: number, gradient: tf.Tensor): void {
  const before = gradients.get(id);
  if (!before) {
    gradients.set(id, gradient);
    return;
  }
  const isFused = hasKernel(KERNELS.accumulate);
  gradients.set(
    id,
    isFused ? runKernel(KERNELS.accumulate, {a: before, b: gradient}) : tf.add(before, gradient),
  );
  tf.dispose([before, gradient]);
}
