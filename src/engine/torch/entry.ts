/** @file What the backend `torch` keeps of one tensor's data, and in which forms. */
import * as tf from '@tensorflow/tfjs';
import {changesOf} from '../ops/inPlace.js';
import type {Layout} from './layout.js';
import {type Handle, native, operator, SCALAR_TYPES, withinKernel} from './native.js';

export type NumericType = 'float32' | 'int32' | 'bool';

export type NumericArray = Float32Array | Int32Array | Uint8Array;

interface View {
  readonly layout: Layout;
  readonly handle: Handle;
}

const ARRAYS = {float32: Float32Array, int32: Int32Array, bool: Uint8Array} as const;

/** Up to so many numbers a call into libtorch takes longer than the arithmetic. */
const FEW = 16;

const permute = operator('permute');
const toType = operator('to.dtype');

/** TensorFlow.js holds it as the tensor's data id, which may be any object: so there is nothing to look up. */
export class Entry {
  refCount = 1;
  isHeld = true;
  /** Strings stay on the host, encoded as TensorFlow.js passes them. */
  strings: Uint8Array[] | null = null;
  /** A few numbers stay there too, until a kernel of libtorch asks for them. */
  few: NumericArray | null = null;
  complex: {real: tf.TensorInfo; imag: tf.TensorInfo} | null = null;
  /** Whether what TensorFlow.js takes for float32 is stored in bfloat16. */
  isHalf = false;
  /** A copy in bfloat16 in some order of axes, of the values after so many changes in place. */
  #halfCopy: (View & {readonly changes: number}) | null = null;

  constructor(
    readonly dtype: tf.DataType,
    readonly shape: readonly number[],
    /** Numbers live in libtorch; null also as long as only the view was asked for. */
    public handle: Handle | null,
    /** The same tensor in libtorch's order of axes, kept because every use of it needs it so. */
    public view: View | null = null,
  ) {}

  /** Of values that TensorFlow.js writes. */
  static of(
    values: tf.backend_util.BackendValues,
    shape: readonly number[],
    dtype: Exclude<tf.DataType, 'complex64'>,
  ): Entry {
    const entry = new Entry(dtype, [...shape], null);
    if (dtype === 'string') {
      entry.strings = values as Uint8Array[];
      return entry;
    }
    const numbers = typedArray(values, dtype);
    const size = tf.util.sizeFromShape([...shape]);
    if (size <= FEW && numbers.length === size) entry.few = numbers.slice();
    else entry.handle = native().upload(numbers, shape, SCALAR_TYPES[dtype]);
    return entry;
  }

  /** The handle of the tensor in its own shape. */
  ownHandle(): Handle {
    const {view, few, dtype, shape} = this;
    if (few) {
      this.handle = native().upload(few, shape, SCALAR_TYPES[dtype as NumericType]);
      // Kernels may change the values in place from now on.
      this.few = null;
    }
    if (this.handle === null && view) this.handle = kept(() => permute(view.handle, view.layout.fromTorch));
    if (this.handle === null) throw new Error(`a ${dtype} tensor cannot enter a numeric kernel`);
    return this.handle;
  }

  /** The handle in libtorch's order of axes; null if another order is kept. */
  viewIn(layout: Layout): Handle | null {
    this.view ??= {layout, handle: kept(() => permute(this.ownHandle(), layout.toTorch))};
    return this.view.layout === layout ? this.view.handle : null;
  }

  /**
   * A copy in bfloat16, in libtorch's order of axes; kept until the values are changed in place.
   * @param view the handle in that order
   * @param dataId by which TensorFlow.js names the tensor
   */
  halfCopy(layout: Layout, view: Handle, dataId: tf.DataId): Handle {
    const changes = changesOf({dataId});
    const old = this.#halfCopy;
    if (old?.changes === changes && old.layout === layout) return old.handle;
    if (old) native().release(old.handle);
    this.#halfCopy = {layout, changes, handle: kept(() => toType(view, SCALAR_TYPES.bfloat16))};
    return this.#halfCopy.handle;
  }

  /** Puts the same values in another memory layout in the place of these. */
  replaceLayout(change: (handle: Handle) => Handle): void {
    const old = this.ownHandle();
    const replaced = kept(() => change(old));
    this.release();
    [this.handle, this.view] = [replaced, null];
  }

  /** The numbers, on the host. */
  read(): NumericArray {
    if (this.few) return this.few.slice();
    const values = new ARRAYS[this.dtype as NumericType](tf.util.sizeFromShape([...this.shape]));
    withinKernel(() => {
      const handle = this.ownHandle();
      native().download(this.isHalf ? toType(handle, SCALAR_TYPES.float32) : handle, values);
      return [];
    });
    return values;
  }

  /** Frees what lies in libtorch. */
  release(): void {
    if (this.handle !== null) native().release(this.handle);
    if (this.view) native().release(this.view.handle);
    if (this.#halfCopy) native().release(this.#halfCopy.handle);
    this.#halfCopy = null;
  }
}

/** An array of numbers as the typed array that a tensor of this type is uploaded from. */
function typedArray(values: tf.backend_util.BackendValues, dtype: NumericType): NumericArray {
  const Type = ARRAYS[dtype];
  return values instanceof Type ? values : Type.from(values as ArrayLike<number>);
}

/** Runs one operation whose result outlives the kernel in progress. */
function kept(operation: () => Handle): Handle {
  return withinKernel(operation)[0];
}
