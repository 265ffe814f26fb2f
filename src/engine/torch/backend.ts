/** @file TensorFlow.js's backend `torch`: tensors live in libtorch, in NHWC as TensorFlow.js speaks it. */
import * as tf from '@tensorflow/tfjs';
import {type Layout, TorchOrder} from './layout.js';
import {type Handle, native, operator, SCALAR_TYPES, withinKernel} from './native.js';

type DataId = tf.DataId;
type NumericType = 'float32' | 'int32' | 'bool';

/** What the backend knows of one tensor's data. */
interface Entry {
  readonly dtype: tf.DataType;
  readonly shape: readonly number[];
  refCount: number;
  /** Numbers live in libtorch; null also as long as only the view was asked for. */
  handle: Handle | null;
  /** The same tensor in libtorch's order of axes, kept because every use of it needs it so. */
  view: {readonly layout: Layout; readonly handle: Handle} | null;
  /** Strings stay on the host, encoded as TensorFlow.js passes them. */
  readonly strings?: Uint8Array[];
  readonly complex?: {real: tf.TensorInfo; imag: tf.TensorInfo};
}

const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array} as const;
const reshape = operator('reshape');
const permute = operator('permute');

/** What a kernel gives. */
export type Output = Handle | TorchOrder;

/** An array of numbers as the typed array that a tensor of this type is uploaded from. */
function typedArray(
  values: tf.backend_util.BackendValues,
  dtype: NumericType,
): Float32Array | Int32Array | Uint8Array {
  const Type = ARRAYS[dtype];
  return values instanceof Type ? values : Type.from(values as ArrayLike<number>);
}

function dtypeOf(scalarType: number): NumericType {
  if (scalarType === SCALAR_TYPES.float32) return 'float32';
  if (scalarType === SCALAR_TYPES.int32) return 'int32';
  if (scalarType === SCALAR_TYPES.bool) return 'bool';
  throw new Error(`a kernel returned scalar type ${scalarType}, which TensorFlow.js does not know`);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((size, i) => size === b[i]));
}

/** Runs one operation whose result outlives the kernel in progress. */
function kept(operation: () => Handle): Handle {
  return withinKernel(operation)[0];
}

/** The handle of the tensor in its own shape. */
function ownHandle(entry: Entry): Handle {
  const {view, dtype} = entry;
  if (entry.handle === null && view) entry.handle = kept(() => permute(view.handle, view.layout.fromTorch));
  if (entry.handle === null) throw new Error(`a ${dtype} tensor cannot enter a numeric kernel`);
  return entry.handle;
}

function releaseAll({handle, view}: Entry): void {
  if (handle !== null) native().release(handle);
  if (view) native().release(view.handle);
}

export class TorchBackend extends tf.KernelBackend {
  readonly #data = new Map<DataId, Entry>();

  constructor() {
    super();
    native();
  }

  /** A tensor of another backend is fetched from there first. */
  #entry(dataId: DataId): Entry {
    if (!this.#data.has(dataId)) tf.engine().moveData(this, dataId);
    return this.#data.get(dataId)!;
  }

  /** Whether the data are here and not disposed. */
  holds(dataId: DataId): boolean {
    return this.#data.has(dataId);
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: DataId,
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.#data.set(dataId, {
      ...this.#contents(values, shape, dtype),
      ...{dtype, shape: [...shape], refCount, view: null},
    });
  }

  #contents(
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
  ): Pick<Entry, 'handle' | 'strings'> {
    if (dtype === 'string') return {handle: null, strings: values as Uint8Array[]};
    if (dtype === 'complex64')
      throw new Error('complex tensors are written as their real and imaginary parts');
    return {handle: native().upload(typedArray(values, dtype), shape, SCALAR_TYPES[dtype])};
  }

  /** The handle of a tensor, seen in the tensor's own shape; made within the kernel in progress if it differs. */
  handle({dataId, shape}: tf.TensorInfo): Handle {
    const entry = this.#entry(dataId);
    const handle = ownHandle(entry);
    return sameShape(entry.shape, shape) ? handle : reshape(handle, shape);
  }

  /** The handle of a tensor in libtorch's order of axes. */
  view(info: tf.TensorInfo, layout: Layout): Handle {
    const entry = this.#entry(info.dataId);
    const isKept = sameShape(entry.shape, info.shape) && (entry.view?.layout ?? layout) === layout;
    if (!isKept) return permute(this.handle(info), layout.toTorch);
    entry.view ??= {layout, handle: kept(() => permute(ownHandle(entry), layout.toTorch))};
    return entry.view.handle;
  }

  /** Whether the view in this order of axes is there already. */
  hasView({dataId, shape}: tf.TensorInfo, layout: Layout): boolean {
    const entry = this.#entry(dataId);
    return entry.view?.layout === layout && sameShape(entry.shape, shape);
  }

  /** Puts the same values in another memory layout in the place of a tensor's data. */
  replaceLayout({dataId}: tf.TensorInfo, layout: (handle: Handle) => Handle): void {
    const entry = this.#entry(dataId);
    const old = ownHandle(entry);
    const replaced = kept(() => layout(old));
    releaseAll(entry);
    [entry.handle, entry.view] = [replaced, null];
  }

  /** Runs a kernel, releases its temporary tensors and takes over its results. */
  run(kernel: () => Output | Output[]): tf.TensorInfo[] {
    let outputs: Output[] = [];
    withinKernel(() => {
      outputs = [kernel()].flat();
      return outputs.map((output) => (output instanceof TorchOrder ? output.handle : output));
    });
    return outputs.map((output) => this.#adopt(output));
  }

  /** Takes over what a kernel made. */
  #adopt(output: Output): tf.TensorInfo {
    const view = output instanceof TorchOrder ? output : null;
    const [scalarType, ...sizes] = native().describe(view?.handle ?? (output as Handle));
    const shape = view ? view.layout.fromTorch.map((axis) => sizes[axis]) : sizes;
    const dtype = dtypeOf(scalarType);
    const dataId = {};
    this.#data.set(dataId, {dtype, shape, refCount: 1, handle: view ? null : (output as Handle), view});
    return {dataId, shape, dtype};
  }

  /** Takes over two numeric tensors as one of complex numbers. */
  adoptComplex(real: tf.TensorInfo, imag: tf.TensorInfo): tf.TensorInfo {
    const dataId = {};
    this.#data.set(dataId, {
      dtype: 'complex64',
      shape: real.shape,
      refCount: 1,
      handle: null,
      view: null,
      complex: {real, imag},
    });
    return {dataId, shape: real.shape, dtype: 'complex64'};
  }

  complexParts(dataId: DataId): {real: tf.TensorInfo; imag: tf.TensorInfo} | undefined {
    return this.#entry(dataId).complex;
  }

  override readSync(dataId: DataId): tf.backend_util.BackendValues {
    const entry = this.#entry(dataId);
    const {dtype, shape, strings, complex} = entry;
    if (strings) return strings;
    if (complex) {
      const [real, imag] = [complex.real, complex.imag].map(
        (part) => this.readSync(part.dataId) as Float32Array,
      );
      return tf.backend_util.mergeRealAndImagArrays(real, imag);
    }
    const values = new ARRAYS[dtype as NumericType](tf.util.sizeFromShape([...shape]));
    native().download(ownHandle(entry), values);
    return values;
  }

  override async read(dataId: DataId): Promise<tf.backend_util.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const entry = this.#entry(dataId);
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    releaseAll(entry);
    if (entry.complex) {
      this.disposeData(entry.complex.real.dataId, force);
      this.disposeData(entry.complex.imag.dataId, force);
    }
    this.#data.delete(dataId);
    return true;
  }

  override refCount(dataId: DataId): number {
    return this.#data.has(dataId) ? this.#entry(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.#entry(dataId).refCount++;
  }

  override numDataIds(): number {
    return this.#data.size;
  }

  override memory(): {unreliable: boolean; numTensorsInTorch: number; numBytesInTorch: number} {
    const {tensors, bytes} = native().memory();
    return {unreliable: false, numTensorsInTorch: tensors, numBytesInTorch: bytes};
  }

  override async time(run: () => void): Promise<tf.BackendTimingInfo> {
    const start = performance.now();
    run();
    return {kernelMs: performance.now() - start};
  }

  override timerAvailable(): boolean {
    return true;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {
    for (const dataId of [...this.#data.keys()]) this.disposeData(dataId, true);
  }
}
