/** @file Our backward pass against TensorFlow.js's own, what it frees, and what it refuses. */
import * as tf from '@tensorflow/tfjs';
import {afterEach, beforeAll, describe, expect, it} from 'vitest';
import {valueAndGradients, withoutGradient} from '../../src/engine/gradients.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {relu} from '../../src/engine/ops/relu.js';
import {drawn} from './compare.js';

let variables: tf.Variable[] = [];
afterEach(() => {
  tf.dispose(variables);
  variables = [];
});

function variable(name: string, shape: number[]): tf.Variable {
  const made = tf.tidy(() => tf.variable(drawn(name, shape)));
  variables.push(made);
  return made;
}

/** Both must give the same numbers for the same function. */
function expectSameAsTensorFlow(f: () => tf.Scalar): void {
  tf.tidy(() => {
    const ours = valueAndGradients(f, variables);
    const theirs = tf.variableGrads(f, variables);
    expect(ours.value.dataSync()).toEqual(theirs.value.dataSync());
    variables.forEach(({name, shape}, i) => {
      expect(ours.gradients[i].shape).toEqual(shape);
      expect(ours.gradients[i].dataSync()).toEqual(theirs.grads[name].dataSync());
    });
  });
}

describe.each<BackendName>(['torch', 'cpu'])('valueAndGradients on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend({backend});
  });

  it('agrees on a chain', () => {
    const [w, b] = [variable('w', [3, 4]), variable('b', [4])];
    const x = drawn('x', [2, 3]) as tf.Tensor2D;
    expectSameAsTensorFlow(() => tf.mean(tf.square(relu(tf.add(tf.matMul(x, w as tf.Tensor2D), b)))));
    x.dispose();
  });

  it('adds up where a tensor is used more than once', () => {
    const w = variable('w', [5]);
    expectSameAsTensorFlow(() => tf.sum(tf.add(tf.mul(w, w), tf.add(w, w))));
  });

  it('hands the gradient of a sum on to every term', () => {
    const [a, b] = [variable('a', [4]), variable('b', [4])];
    expectSameAsTensorFlow(() => tf.sum(tf.mul(tf.addN([a, b, a]), tf.sub(a, b))));
  });

  it('goes through kernels of several outputs, used in part', () => {
    const w = variable('w', [4, 6]);
    expectSameAsTensorFlow(() => {
      const [first, , third] = tf.split(w, 3, 1);
      return tf.sum(tf.mul(first, third));
    });
  });

  it('leaves only its results behind', () => {
    const w = variable('w', [3, 3]);
    const before = tf.memory();
    const {value, gradients} = tf.tidy(() =>
      valueAndGradients(() => tf.sum(tf.square(relu(tf.matMul(w as tf.Tensor2D, w as tf.Tensor2D)))), [w]),
    );
    expect(tf.memory().numTensors).toBe(before.numTensors + 2);
    tf.dispose([value, ...gradients]);
    expect(tf.memory().numBytes).toBe(before.numBytes);
  });
});

describe('valueAndGradients refuses', () => {
  beforeAll(async () => {
    await selectBackend({backend: 'torch'});
  });

  it('a variable that the value does not depend on', () => {
    const [a, b] = [variable('a', [2]), variable('b', [3])];
    const call = () => tf.tidy(() => valueAndGradients(() => tf.sum(a), [a, b]));
    expect(call).toThrow('no gradient reaches a variable of shape [3]');
  });

  it('a kernel without a gradient', () => {
    const a = variable('a', [2]);
    const call = () => tf.tidy(() => valueAndGradients(() => tf.sum(tf.topk(a, 1).values), [a]));
    expect(call).toThrow(/TopK has no gradient/);
  });

  it('to be nested, and works again afterwards', () => {
    const a = variable('a', [2]);
    const inner = () => valueAndGradients(() => tf.sum(a), [a]).value;
    expect(() => tf.tidy(() => valueAndGradients(inner, [a]))).toThrow('cannot be nested');
    expectSameAsTensorFlow(() => tf.sum(a));
  });

  it('nothing of an error in the function itself, and leaves nothing on the tape', () => {
    const a = variable('a', [2]);
    const fail = () => {
      tf.square(a);
      throw new Error('mine');
    };
    expect(() => tf.tidy(() => valueAndGradients(fail, [a]))).toThrow('mine');
    expectSameAsTensorFlow(() => tf.sum(tf.square(a)));
  });
});

describe('without a gradient', () => {
  it('a value is a constant, whatever it depends on and whether its kernels have a gradient', () => {
    const a = variable('a', [3]);
    const {value, gradients} = tf.tidy(() =>
      valueAndGradients(() => {
        const greatest = withoutGradient(() => tf.topk(a, 1).values);
        return tf.sum(tf.mul(a, greatest));
      }, [a]),
    );
    const values = [...a.dataSync()];
    const greatest = Math.max(...values);
    expect(value.dataSync()[0]).toBeCloseTo(greatest * values.reduce((sum, one) => sum + one), 5);
    for (const slope of gradients[0].dataSync()) expect(slope).toBeCloseTo(greatest, 6);
  });

  it('an error leaves the tape as it was', () => {
    const a = variable('a', [3]);
    expectSameAsTensorFlow(() => {
      try {
        withoutGradient(() => {
          throw new Error('mine');
        });
      } catch {}
      return tf.sum(tf.square(a));
    });
  });
});
