/** @file TensorFlow.js's backend `torch`: tensors live in libtorch, in NHWC as TensorFlow.js speaks it. */
import * as tf from '@tensorflow/tfjs';
import {Entry, type NumericArray, type NumericType} from './entry.js';
import {type Layout, TorchOrder} from './layout.js';
import {type Handle, native, operator, SCALAR_TYPES, withinKernel} from './native.js';

type DataId = tf.DataId;

const reshape = operator('reshape');
const permute = operator('permute');

/** What a kernel gives. */
export type Output = Handle | TorchOrder;

/** An operator on pairs of elements. */
export interface Elementwise {
  readonly run: (a: Handle, b: Handle) => Handle;
  /** The same on float32 numbers, rounded to float32 afterwards; for a few numbers on the host. */
  readonly runFew?: (a: number, b: number) => number;
  readonly takes: (dtype: tf.DataType) => boolean;
  /** undefined: the type of the operands. */
  readonly gives?: NumericType;
}

function dtypeOf(scalarType: number): NumericType {
  if (scalarType === SCALAR_TYPES.float32 || scalarType === SCALAR_TYPES.bfloat16) return 'float32';
  if (scalarType === SCALAR_TYPES.int32) return 'int32';
  if (scalarType === SCALAR_TYPES.bool) return 'bool';
  throw new Error(`a kernel returned scalar type ${scalarType}, which TensorFlow.js does not know`);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function pairwise(f: (a: number, b: number) => number, a: NumericArray, b: NumericArray): Float32Array {
  const results = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) results[i] = f(a[i], b[i]);
  return results;
}

export class TorchBackend extends tf.KernelBackend {
  /** Data that other backends named. */
  readonly #foreign = new Map<DataId, Entry>();
  #held = 0;
  #isGone = false;

  constructor() {
    super();
    native();
  }

  /** A tensor of another backend is fetched from there first. */
  #entry(dataId: DataId): Entry {
    const known = this.#known(dataId);
    if (known) return known;
    tf.engine().moveData(this, dataId);
    return this.#known(dataId)!;
  }

  #known(dataId: DataId): Entry | undefined {
    if (this.#isGone) return undefined;
    return dataId instanceof Entry && dataId.isHeld ? dataId : this.#foreign.get(dataId);
  }

  #hold(entry: Entry): Entry {
    this.#held++;
    return entry;
  }

  /** Whether the data are here and not disposed. */
  holds(dataId: DataId): boolean {
    return this.#known(dataId) !== undefined;
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): DataId {
    return this.#contents(values, shape, dtype);
  }

  override move(
    dataId: DataId,
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    const entry = this.#contents(values, shape, dtype);
    entry.refCount = refCount;
    this.#foreign.set(dataId, entry);
  }

  #contents(values: tf.backend_util.BackendValues, shape: readonly number[], dtype: tf.DataType): Entry {
    if (dtype === 'complex64')
      throw new Error('complex tensors are written as their real and imaginary parts');
    return this.#hold(Entry.of(values, shape, dtype));
  }

  /** The handle of a tensor, seen in the tensor's own shape; made within the kernel in progress if it differs. */
  handle({dataId, shape}: tf.TensorInfo): Handle {
    const entry = this.#entry(dataId);
    const handle = entry.ownHandle();
    return sameShape(entry.shape, shape) ? handle : reshape(handle, shape);
  }

  /** The handle of a tensor in libtorch's order of axes. */
  view(info: tf.TensorInfo, layout: Layout): Handle {
    const entry = this.#entry(info.dataId);
    const own = sameShape(entry.shape, info.shape) ? entry.viewIn(layout) : null;
    return own ?? permute(this.handle(info), layout.toTorch);
  }

  /** Whether the view in this order of axes is there already. */
  hasView({dataId, shape}: tf.TensorInfo, layout: Layout): boolean {
    const entry = this.#entry(dataId);
    return entry.view?.layout === layout && sameShape(entry.shape, shape);
  }

  /** Whether the values are stored in bfloat16. */
  isHalf({dataId}: tf.TensorInfo): boolean {
    return this.#entry(dataId).isHalf;
  }

  /**
   * The handle of a copy in bfloat16, in libtorch's order of axes; kept until the values are changed in place.
   * @param view the handle in that order
   */
  halfCopy({dataId}: tf.TensorInfo, layout: Layout, view: Handle): Handle {
    return this.#entry(dataId).halfCopy(layout, view, dataId);
  }

  /** Puts the same values in another memory layout in the place of a tensor's data. */
  replaceLayout({dataId}: tf.TensorInfo, layout: (handle: Handle) => Handle): void {
    this.#entry(dataId).replaceLayout(layout);
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

  /**
   * Runs an operator on elements of equal shape and type, where both operands lie in the same order of axes: no
   * temporaries, and nothing to ask about the result.
   * @returns undefined if it is not that simple
   */
  runElementwise(operation: Elementwise, a: tf.TensorInfo, b: tf.TensorInfo): tf.TensorInfo | undefined {
    const [first, second] = [this.#known(a.dataId), this.#known(b.dataId)];
    if (!first || !second || first.dtype !== second.dtype || !operation.takes(first.dtype)) return undefined;
    if (first.isHalf !== second.isHalf) return undefined;
    const {shape} = a;
    if (!sameShape(shape, b.shape) || !sameShape(shape, first.shape) || !sameShape(shape, second.shape))
      return undefined;
    const dtype = operation.gives ?? (first.dtype as NumericType);
    let entry: Entry;
    if (first.few && second.few && operation.runFew && dtype === 'float32') {
      entry = this.#hold(new Entry(dtype, shape, null));
      entry.few = pairwise(operation.runFew, first.few, second.few);
      return {dataId: entry, shape, dtype};
    }
    if (first.view && first.view.layout === second.view?.layout) {
      const handle = operation.run(first.view.handle, second.view.handle);
      entry = new Entry(dtype, shape, null, {layout: first.view.layout, handle});
    } else {
      if (first.handle === null || second.handle === null) return undefined;
      entry = new Entry(dtype, shape, operation.run(first.handle, second.handle));
    }
    entry.isHalf = first.isHalf && dtype === 'float32';
    return {dataId: this.#hold(entry), shape, dtype};
  }

  /** Takes over what a kernel made. */
  #adopt(output: Output): tf.TensorInfo {
    const view = output instanceof TorchOrder ? output : null;
    const [scalarType, ...sizes] = native().describe(view?.handle ?? (output as Handle));
    const shape = view ? view.layout.fromTorch.map((axis) => sizes[axis]) : sizes;
    const dtype = dtypeOf(scalarType);
    const dataId = this.#hold(new Entry(dtype, shape, view ? null : (output as Handle), view));
    dataId.isHalf = scalarType === SCALAR_TYPES.bfloat16;
    return {dataId, shape, dtype};
  }

  /** Takes over two numeric tensors as one of complex numbers. */
  adoptComplex(real: tf.TensorInfo, imag: tf.TensorInfo): tf.TensorInfo {
    const dataId = this.#hold(new Entry('complex64', real.shape, null));
    dataId.complex = {real, imag};
    return {dataId, shape: real.shape, dtype: 'complex64'};
  }

  complexParts(dataId: DataId): {real: tf.TensorInfo; imag: tf.TensorInfo} | null {
    return this.#entry(dataId).complex;
  }

  override readSync(dataId: DataId): tf.backend_util.BackendValues {
    const entry = this.#entry(dataId);
    const {strings, complex} = entry;
    if (strings) return strings;
    if (complex) {
      const [real, imag] = [complex.real, complex.imag].map(
        (part) => this.readSync(part.dataId) as Float32Array,
      );
      return tf.backend_util.mergeRealAndImagArrays(real, imag);
    }
    return entry.read();
  }

  override async read(dataId: DataId): Promise<tf.backend_util.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const entry = this.#known(dataId);
    if (!entry) return true;
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    entry.release();
    if (entry.complex) {
      this.disposeData(entry.complex.real.dataId, force);
      this.disposeData(entry.complex.imag.dataId, force);
    }
    entry.isHeld = false;
    this.#held--;
    if (entry !== dataId) this.#foreign.delete(dataId);
    return true;
  }

  override refCount(dataId: DataId): number {
    return this.#known(dataId)?.refCount ?? 0;
  }

  override incRef(dataId: DataId): void {
    this.#entry(dataId).refCount++;
  }

  override numDataIds(): number {
    return this.#held;
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

  /** Called when the backend is removed; tensors that are disposed later have nothing here any more. */
  override dispose(): void {
    native().clear();
    this.#foreign.clear();
    this.#held = 0;
    this.#isGone = true;
  }
}
