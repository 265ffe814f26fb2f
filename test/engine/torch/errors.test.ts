/** @file What goes wrong in the native part arrives as a JavaScript error that names the operator; the process lives on. */
import * as tf from '@tensorflow/tfjs';
import {afterEach, beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {convolution} from '../../../src/engine/ops/convolution.js';
import {type Handle, native, operator, SCALAR_TYPES, withinKernel} from '../../../src/engine/torch/native.js';

function upload(shape: number[]): Handle {
  return native().upload(new Float32Array(tf.util.sizeFromShape(shape)), shape, SCALAR_TYPES.float32);
}

/** Calls an operator and releases what it made. */
function call(name: string, ...args: (number | number[])[]): void {
  for (const handle of withinKernel(() => operator(name)(...args))) native().release(handle);
}

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

afterEach(() => {
  expect([...tf.relu(tf.tensor1d([-1, 1])).dataSync()]).toEqual([0, 1]);
});

describe('an error of the torch backend', () => {
  it('names an operator that libtorch has not, when it is called', () => {
    expect(() => call('nonsense', 1)).toThrow(/libtorch \S+ has no operator aten::nonsense/);
    expect(() => call('add.Nonsense', 1)).toThrow('aten::add.Nonsense');
  });

  it('names the operator that refused a shape, and both shapes', () => {
    expect(() => tf.matMul(tf.zeros([2, 3]), tf.zeros([2, 3]))).toThrow(/^aten::matmul: .*2x3 and 2x3/);
    const handle = upload([2, 3]);
    expect(() => call('mm', handle, handle)).toThrow(/^aten::mm: .*2x3 and 2x3/);
    native().release(handle);
  });

  it('names the operator when a kernel is larger than its input', () => {
    const options = {stride: 1, padding: 0, dilation: 1, groups: 1};
    expect(() => convolution(tf.zeros([1, 2, 2, 3]), tf.zeros([3, 3, 3, 2]), null, options)).toThrow(
      /^posecraft::convolution: .*Kernel size/,
    );
  });

  it('names the operator and the handle that was released', () => {
    const handle = upload([2]);
    native().release(handle);
    expect(() => call('relu', handle)).toThrow(`aten::relu: tensor handle ${handle} is disposed`);
  });

  it('knows a released handle also when its place is in use again', () => {
    const old = upload([2]);
    native().release(old);
    const next = upload([2]);
    expect(next).not.toBe(old);
    expect(() => call('relu', old)).toThrow('aten::relu');
    expect(() => native().release(old)).toThrow('is disposed');
    native().release(next);
  });

  it('names the operator and the argument that is missing, too many or of the wrong type', () => {
    const handle = upload([2, 3]);
    expect(() => call('add.Tensor', handle)).toThrow('aten::add.Tensor: other: a value is needed');
    expect(() => call('relu', handle, 1, 2)).toThrow('aten::relu: too many arguments');
    expect(() => call('permute', handle, [0.5, 1])).toThrow('aten::permute: dims: expected a whole number');
    native().release(handle);
  });

  it('names the element type or the memory format that libtorch has not', () => {
    const handle = upload([2]);
    expect(() => call('to.dtype', handle, 1000)).toThrow(
      /^aten::to\.dtype: dtype: expected 0 to \d+, not 1000$/,
    );
    // Its lowest byte alone would be float32.
    expect(() => call('zeros', [2], 256 + SCALAR_TYPES.float32)).toThrow('aten::zeros: dtype: expected 0 to');
    expect(() => call('clone', handle, 99)).toThrow('aten::clone: memory_format: expected 0 to 3, not 99');
    native().release(handle);
  });

  it('refuses a list that is longer than any that makes sense', () => {
    const endless: number[] = new Array(2 ** 32 - 1);
    expect(() => call('zeros', endless)).toThrow(
      'aten::zeros: size: a list of 4294967295 elements is too long',
    );
  });

  it('refuses arrays that do not have the bytes of their shape', () => {
    expect(() => native().upload(new Float32Array(3), [2, 2], SCALAR_TYPES.float32)).toThrow(
      'the shape takes 16 bytes, the array has 12',
    );
  });

  it('leaves no tensor behind', () => {
    const handle = upload([2, 3]);
    const {tensors} = native().memory();
    expect(() => withinKernel(() => operator('mm')(operator('relu')(handle), handle))).toThrow('aten::mm');
    expect(native().memory().tensors).toBe(tensors);
    native().release(handle);
  });

  it('names the kernel when a tensor was disposed', () => {
    const x = tf.tensor1d([1]);
    x.dispose();
    expect(() => tf.relu(x)).toThrow(/^Relu: .*disposed/);
  });
});
