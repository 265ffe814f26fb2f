/** @file Tensors that are views on a storage, made dense. */
import {arrayOver, elementBytes, elementCount} from '../elements.js';
import {FormatError} from '../formatError.js';
import type {ElementArrays, ElementType, HostTensor} from '../stateDict.js';
import type {Tensor} from './torchObjects.js';

/** Whether the strides are those of a row-major array; axes of length 1 may have any. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Copies the elements in row-major order, the last axis innermost. */
function gather<T extends ElementType>(
  source: ElementArrays[T],
  target: ElementArrays[T],
  {offset, shape, strides}: Tensor,
): void {
  const index = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] += 1;
      from += strides[axis];
      if (index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/** How many more bytes may be copied: views that repeat one storage's elements could ask for any amount. */
export class CopyBudget {
  constructor(private left: number) {}

  spend(bytes: number): void {
    this.left -= bytes;
    if (this.left < 0) {
      throw new FormatError(
        'is refused: its tensors repeat each other, and would take far more memory than the file',
      );
    }
  }
}

/** The tensor as a dense array: over the storage's own memory where its strides allow, else a copy. */
export function toHostTensor(tensor: Tensor, storage: ArrayBuffer, budget: CopyBudget): HostTensor {
  const {offset, shape, strides} = tensor;
  const {dtype, count} = tensor.storage;
  const length = elementCount(shape);
  if (length === 0) return {dtype, shape, data: arrayOver(dtype, new ArrayBuffer(0), 0, 0)};
  if (isDense(shape, strides)) return {dtype, shape, data: arrayOver(dtype, storage, offset, length)};
  budget.spend(length * elementBytes(dtype));
  const data = arrayOver(dtype, new ArrayBuffer(length * elementBytes(dtype)), 0, length);
  gather(arrayOver(dtype, storage, 0, count), data, tensor);
  return {dtype, shape, data};
}
