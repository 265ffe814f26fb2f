/** @file State dicts of modules: from variables to host arrays in PyTorch's names and layouts, and back. */
import * as tf from '@tensorflow/tfjs';
import type {ElementType, HostTensor, StateDict} from '../checkpoint/stateDict.js';
import {UserError} from '../errors.js';
import {
  type AxisOrder,
  Counter,
  type Module,
  type Parameter,
  type StateBuffer,
  type StateEntry,
} from './module.js';

/** The element types that fill a tensor of floats. */
const FLOATS: readonly ElementType[] = ['F32', 'F64'];

/** All parameters and buffers of `module`, copied to the host. */
export function getStateDict(module: Module): StateDict {
  return new Map(Array.from(module.namedState(), ([name, entry]) => [name, entryToHost(entry)]));
}

/**
 * Fills `module` with the values of `dict`, which must have exactly its keys and shapes (`num_batches_tracked` may be
 * missing). If it has not, nothing is changed.
 * @param file where the dict comes from, for messages
 * @throws UserError('checkpoint') that names the keys that do not fit
 */
export function loadStateDict(module: Module, dict: StateDict, file: string): void {
  const state = module.namedState();
  const missing = [...state.keys()].filter(
    (name) => !dict.has(name) && !(state.get(name) instanceof Counter),
  );
  const unexpected = [...dict.keys()].filter((name) => !state.has(name));
  const misfits = [...state].flatMap(([name, entry]) => misfit(name, entry, dict.get(name)));
  const faults = [
    ...faultOf('missing', missing),
    ...faultOf('unexpected', unexpected),
    ...faultOf('of another shape or type', misfits),
  ];
  if (faults.length > 0) {
    throw new UserError(
      'checkpoint',
      `${file}: does not fit the model: ${faults.join('; ')}. The checkpoint is for another model: ` +
        'give the one that was saved from this model, or set "model" to what the checkpoint was trained with.',
    );
  }
  for (const [name, entry] of state) assign(entry, dict.get(name));
}

/**
 * Fills what fits, by name, shape and type, and leaves the rest of `module` as it is: for pretrained backbones, and
 * for heads with another number of keypoints.
 * @param file where the dict comes from, for messages
 * @returns the keys of the module that were not filled; `num_batches_tracked` is not counted
 * @throws UserError('checkpoint') if nothing fits
 */
export function loadMatching(module: Module, dict: StateDict, file: string): string[] {
  const values = [...module.namedState()].filter(([, entry]) => !(entry instanceof Counter));
  const unmatched = values.filter(
    ([name, entry]) => !dict.has(name) || misfit(name, entry, dict.get(name)).length > 0,
  );
  if (unmatched.length === values.length) {
    throw new UserError(
      'checkpoint',
      `${file}: none of its ${dict.size} arrays has a name and shape of this model's (${keyList([...dict.keys()])}). ` +
        'The checkpoint is for another model; give one of the same architecture.',
    );
  }
  const left = new Set(unmatched.map(([name]) => name));
  for (const [name, entry] of module.namedState()) if (!left.has(name)) assign(entry, dict.get(name));
  return [...left];
}

const LISTED_KEYS = 5;

function keyList(keys: readonly string[]): string {
  const more = keys.length > LISTED_KEYS ? ', …' : '';
  return keys.slice(0, LISTED_KEYS).join(', ') + more;
}

function faultOf(what: string, keys: readonly string[]): string[] {
  if (keys.length === 0) return [];
  return [`${keys.length} ${keys.length === 1 ? 'key is' : 'keys are'} ${what} (${keyList(keys)})`];
}

/** The published shape of an entry: its own with the axes put back. */
function publishedShape({variable, axisOrder}: Parameter | StateBuffer): number[] {
  return inverse(axisOrder, variable.rank).map((axis) => variable.shape[axis]);
}

function inverse(order: AxisOrder, rank: number): number[] {
  const axes = Array.from({length: rank}, (_, axis) => axis);
  return order ? axes.map((axis) => order.indexOf(axis)) : axes;
}

/** What keeps `value` from filling `entry`, if it is there; none or one line. */
function misfit(name: string, entry: StateEntry, value: HostTensor | undefined): string[] {
  if (!value) return [];
  const isCounter = entry instanceof Counter;
  const dtypes: readonly ElementType[] = isCounter ? ['I64'] : FLOATS;
  const shape = isCounter ? [] : publishedShape(entry);
  if (dtypes.includes(value.dtype) && tf.util.arraysEqual([...value.shape], shape)) return [];
  return [`${name} is ${value.dtype} [${value.shape}] instead of ${dtypes[0]} [${shape}]`];
}

function entryToHost(entry: StateEntry): HostTensor {
  if (entry instanceof Counter) return {dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(entry.value))};
  const {variable, axisOrder} = entry;
  if (!axisOrder) return toHost(variable);
  const published = tf.transpose(variable, inverse(axisOrder, variable.rank));
  const host = toHost(published);
  published.dispose();
  return host;
}

function assign(entry: StateEntry, value: HostTensor | undefined): void {
  if (!value) return;
  if (entry instanceof Counter) {
    entry.value = Number(value.data[0]);
    return;
  }
  const {variable, axisOrder} = entry;
  tf.tidy(() => {
    const published = toTensor(value);
    variable.assign(axisOrder ? tf.transpose(published, [...axisOrder]) : published);
  });
}

/** A copy of a tensor of floats on the host, its axes as they are. */
export function toHost(tensor: tf.Tensor): HostTensor {
  // The `cpu` backend hands out its own memory.
  return {dtype: 'F32', shape: [...tensor.shape], data: tensor.dataSync<'float32'>().slice()};
}

/**
 * A new tensor of storage of its own, the inverse of `toHost`.
 * @param where file and key, for messages
 * @throws UserError('checkpoint') if `value` has another shape or is not of floats
 */
export function fromHost(value: HostTensor, shape: readonly number[], where: string): tf.Tensor {
  if (FLOATS.includes(value.dtype) && tf.util.arraysEqual([...value.shape], [...shape]))
    return toTensor(value);
  throw new UserError(
    'checkpoint',
    `${where}: is ${value.dtype} [${value.shape}] instead of ${FLOATS[0]} [${shape}]. ` +
      'The checkpoint is for another model; give the one that was saved from this one.',
  );
}

/** Copied, because the `cpu` backend would go on using the given array. */
function toTensor({data, shape}: HostTensor): tf.Tensor {
  return tf.tensor(Float32Array.from(data as Float32Array | Float64Array), [...shape]);
}
