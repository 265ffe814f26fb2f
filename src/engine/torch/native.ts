/** @file The native addon: loads it, finds libtorch's operators by name, and frees what a kernel leaves over. */
import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {messageOf, UserError} from '../../errors.js';
import {PACKAGE_ROOT} from '../../packagePaths.js';

/** A tensor in the addon's table. */
export type Handle = number;

/** libtorch's numbering of element types (c10/core/ScalarType.h). */
export const SCALAR_TYPES = {
  uint8: 0,
  int32: 3,
  int64: 4,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
} as const;

type Argument = number | boolean | string | null | undefined | readonly Argument[];

interface Addon {
  readonly version: string;
  operator(name: string): number;
  call(operator: number, ...args: Argument[]): unknown;
  upload(data: ArrayBufferView, shape: readonly number[], scalarType: number): Handle;
  download(tensor: Handle, into: ArrayBufferView): void;
  /** The scalar type, then the sizes. */
  describe(tensor: Handle): number[];
  release(tensor: Handle): void;
  /** Releases every tensor. */
  clear(): void;
  setThreads(threads: number): void;
  cudaDevices(): number;
  /** `cpu`, `cuda` or `cuda:<index>`; tensors made from now on live there. */
  setDevice(device: string): void;
  allowTf32(allowed: boolean): void;
  setDeterministic(wanted: boolean): void;
  setSeed(seed: number): void;
  memory(): {tensors: number; bytes: number};
}

export const ADDON_FILE = join(PACKAGE_ROOT, 'build', 'Release', 'posecraft_torch.node');

let addon: Addon | null = null;

/**
 * The addon, loaded at its first use.
 * @throws UserError if it was not built or does not load
 */
export function native(): Addon {
  addon ??= load();
  return addon;
}

function load(): Addon {
  if (!existsSync(ADDON_FILE)) {
    throw new UserError(
      'usage',
      `${ADDON_FILE} is missing: the torch backend is not built. Run "npm run setup".`,
    );
  }
  // Read by OpenMP when libtorch is loaded. Threads that wait spin for a moment, which bridges the gap between two
  // kernels, and then sleep: those that spin on would take the cores from Node's own.
  process.env.GOMP_SPINCOUNT ??= '20000';
  try {
    return createRequire(import.meta.url)(ADDON_FILE) as Addon;
  } catch (error) {
    const fix = 'Run "npm run setup" to build it for this Node and this libtorch.';
    throw new UserError('usage', `${ADDON_FILE} does not load: ${messageOf(error)}. ${fix}`, {cause: error});
  }
}

/** Handles made since the kernel in progress began; what it does not return is released at its end. */
let temporaries: Handle[] = [];

function keepTrack(result: unknown): void {
  if (typeof result === 'number') temporaries.push(result);
  else if (Array.isArray(result)) for (const item of result) keepTrack(item);
}

/**
 * An operator by its name and overload (`add.Tensor`), looked up at its first call: ATen's, or one of the addon's own
 * (`posecraft::sum_relu`).
 * @returns a function from arguments in the order of the operator's schema to its one result
 */
export function operator(name: string): (...args: Argument[]) => Handle {
  const call = caller(name);
  return (...args) => call(args) as Handle;
}

/** The same for an operator with several results; those that it leaves undefined are null. */
export function operatorMany(name: string): (...args: Argument[]) => Handle[] {
  const call = caller(name);
  return (...args) => call(args) as Handle[];
}

/** The same for an operator that answers yes or no. */
export function predicate(name: string): (...args: Argument[]) => boolean {
  const call = caller(name);
  return (...args) => call(args) as boolean;
}

/** The same for two tensors, without keeping track of the result: the caller takes it over at once. */
export function directOperator(name: string): (a: Handle, b: Handle) => Handle {
  const find = finder(name);
  return (a, b) => native().call(find(), a, b) as Handle;
}

/** The number of an operator, asked for once. */
function finder(name: string): () => number {
  let id = -1;
  return () => {
    if (id < 0) id = native().operator(name.includes('::') ? name : `aten::${name}`);
    return id;
  };
}

function caller(name: string): (args: Argument[]) => unknown {
  const find = finder(name);
  return (args) => {
    const result = native().call(find(), ...args);
    keepTrack(result);
    return result;
  };
}

/** Runs `kernel` and releases every handle that was made meanwhile and is not among its results. */
export function withinKernel(kernel: () => Handle | Handle[]): Handle[] {
  const outer = temporaries;
  temporaries = [];
  let results: Handle[] = [];
  try {
    const result = kernel();
    results = typeof result === 'number' ? [result] : result;
    return results;
  } finally {
    for (const handle of temporaries) if (!results.includes(handle)) native().release(handle);
    temporaries = outer;
  }
}
