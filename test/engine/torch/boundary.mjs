/**
 * @file Calls the addon and the backend's kernels with arguments of every wrong kind, as a process of its own: what it
 * writes last is the call that ended it. Every call gives a result or throws an error that says something; it leaves no
 * tensor behind, and what is computed afterwards is right.
 * Usage: node boundary.mjs addon|functions|kernels SEED RUNS
 */
import {writeSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {selectBackend} from '../../../dist/engine/index.js';
import {native, SCALAR_TYPES} from '../../../dist/engine/torch/native.js';
import {CALLS} from './boundaryCalls.mjs';
import {KERNEL_CALLS} from './boundaryKernels.mjs';
import {weird} from './boundaryValues.mjs';

const [what, seed, runs] = process.argv.slice(2);
await selectBackend({backend: 'torch', threads: 1});
const addon = native();

function upload(values, shape, type) {
  return addon.upload(values, shape, SCALAR_TYPES[type]);
}

const floats = (...shape) =>
  upload(
    Float32Array.from({length: tf.util.sizeFromShape(shape)}, (_, i) => i - 3),
    shape,
    'float32',
  );

function released() {
  const handle = floats(1);
  addon.release(handle);
  return handle;
}

/** The tensors that calls name. */
const POOL = {
  scalar: floats(),
  vector: floats(3),
  matrix: floats(2, 3),
  image: floats(2, 3, 4, 4),
  kernel: floats(5, 3, 3, 3),
  gradient: floats(2, 5, 2, 2),
  view: addon.call(addon.operator('aten::permute'), floats(2, 3, 4, 4), [0, 3, 1, 2]),
  volume: floats(1, 2, 2, 2, 2),
  indices: upload(BigInt64Array.of(0n, 1n, 2n), [3], 'int64'),
  outside: upload(BigInt64Array.of(2n ** 40n, -7n, 99n), [3], 'int64'),
  integers: upload(Int32Array.of(0, 1, -1, 2, -2, 3), [2, 3], 'int32'),
  bools: upload(Uint8Array.of(0, 1, 1), [3], 'bool'),
  bytes: upload(Uint8Array.of(0, 1, 2, 3, 4, 255), [2, 3], 'uint8'),
  doubles: upload(Float64Array.of(1, Number.NaN, Number.POSITIVE_INFINITY), [3], 'float64'),
  halves: upload(Uint16Array.of(1, 2, 3), [3], 'bfloat16'),
  empty: upload(new Float32Array(0), [0], 'float32'),
  emptyRows: upload(new Float32Array(0), [2, 0, 3], 'float32'),
  emptyImage: upload(new Float32Array(0), [0, 3, 4, 4], 'float32'),
  emptyHuge: upload(new Float32Array(0), [0, 2 ** 52, 2 ** 40], 'float32'),
  released: released(),
  invented: 2 ** 40 + 2 ** 23,
};

const square = upload(Float32Array.of(1, 2, 3, 4), [2, 2], 'float32');
const multiply = addon.operator('aten::mm');

/** A product that was worked out by hand. */
function expectWorking() {
  const product = addon.call(multiply, square, square);
  const found = new Float32Array(4);
  addon.download(product, found);
  addon.release(product);
  if (found.join() !== '7,10,15,22') throw new Error(`after this call [[1, 2], [3, 4]]² is ${found}`);
}

/** @param prefix with which the message of an error begins */
function attempt(call, prefix) {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof Error)) throw new Error(`threw ${String(error)}, which is no Error`);
    if (error.message === '' || !error.message.startsWith(prefix)) {
      throw new Error(`the message of the error is "${error.message}"; it should begin with "${prefix}"`);
    }
    return null;
  }
}

function release(result) {
  if (typeof result === 'number') addon.release(result);
  else if (Array.isArray(result)) for (const part of result) release(part);
}

function write(call) {
  writeSync(1, `${fc.stringify(call)}\n`);
}

/** Runs one call, and looks at what it left behind. */
function check(call, run) {
  write(call);
  const before = [addon.memory().tensors, tf.memory().numTensors];
  run();
  const after = [addon.memory().tensors, tf.memory().numTensors];
  if (after.join() !== before.join()) throw new Error(`${before} tensors before it, ${after} after it`);
  expectWorking();
}

/** Names of the pool become handles. */
function resolve(value) {
  if (Array.isArray(value)) return value.length > 100 ? value : value.map(resolve);
  return typeof value === 'string' && value.startsWith('$') ? POOL[value.slice(1)] : value;
}

const ids = new Map();
function idOf(name) {
  if (!ids.has(name)) ids.set(name, addon.operator(`aten::${name}`));
  return ids.get(name);
}

const spoken = tf.tidy(() => tf.keep(tf.tensor(['text'])));
const gone = tf.zeros([2, 2]);
gone.dispose();

/** A tensor of the shape, or one that no kernel takes. */
function tensorOf(shape) {
  if (shape === 'text') return spoken;
  if (shape === 'disposed') return gone;
  if (!Array.isArray(shape)) return shape;
  const [dtype, ...sizes] = shape;
  return tf.zeros(sizes, dtype);
}

function runKernel([name, inputs, attributes]) {
  const given = Object.entries(inputs).map(([key, shape]) => [key, tensorOf(shape)]);
  const isList = ['AddN', 'Concat', 'Pack'].includes(name);
  tf.engine().runKernel(name, isList ? given.map(([, x]) => x) : Object.fromEntries(given), attributes);
}

/** No large number: setThreads starts as many threads as it is told to, which a process of limited memory cannot. */
const PLAUSIBLE = fc.constantFrom(
  ...[0, 1, 2, 3, 6, POOL.released, [2, 2], [1], [0, 2 ** 52], new Float32Array(4), new BigInt64Array(1)],
  ...['aten::relu', 'aten::add.Tensor', 'aten::nothing'],
);

const PROPERTIES = {
  addon: fc.property(CALLS, (call) => {
    const [name, ...args] = call;
    check(call, () =>
      release(attempt(() => addon.call(idOf(name), ...args.map(resolve)), `aten::${name}: `)),
    );
  }),
  functions: fc.property(
    fc.constantFrom('call', 'operator', 'upload', 'download', 'describe', 'release', 'setThreads', 'setSeed'),
    fc.array(fc.oneof(weird(), PLAUSIBLE), {maxLength: 5}),
    (name, args) => {
      check([name, ...args], () => {
        const result = attempt(() => addon[name](...args), '');
        if (name === 'upload') release(result);
      });
    },
  ),
  kernels: fc.property(KERNEL_CALLS, (call) => {
    check(call, () => attempt(() => tf.tidy(() => runKernel(call)), ''));
  }),
};

fc.assert(PROPERTIES[what], {seed: Number(seed), numRuns: Number(runs), endOnFailure: false});
