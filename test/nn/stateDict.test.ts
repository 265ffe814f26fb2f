/** @file State dicts: layouts, round trips, and the refusal of what does not fit. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import type {StateDict} from '../../src/checkpoint/stateDict.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {constantDeviation, initializeLayers} from '../../src/nn/init.js';
import {BatchNorm2d, Conv2d} from '../../src/nn/layers.js';
import {Sequential} from '../../src/nn/sequential.js';
import {fromHost, getStateDict, loadMatching, loadStateDict, toHost} from '../../src/nn/stateDict.js';

function net(outputs = 3): Sequential {
  return new Sequential(new Conv2d(2, outputs, 3), new BatchNorm2d(outputs));
}

function messageOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError && error.kind === 'checkpoint') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function without(dict: StateDict, ...keys: string[]): StateDict {
  return new Map([...dict].filter(([key]) => !keys.includes(key)));
}

describe.each<BackendName>(['torch', 'cpu'])('state dicts on %s', (backend) => {
  it('have the keys, types and OIHW shapes of PyTorch', async () => {
    await selectBackend({backend});
    const dict = getStateDict(net());
    expect(Array.from(dict, ([name, {dtype, shape}]) => `${name} ${dtype} [${shape}]`)).toEqual([
      '0.weight F32 [3,2,3,3]',
      '0.bias F32 [3]',
      '1.weight F32 [3]',
      '1.bias F32 [3]',
      '1.running_mean F32 [3]',
      '1.running_var F32 [3]',
      '1.num_batches_tracked I64 []',
    ]);
  });

  it('hold element (o, i, h, w) of a convolution where PyTorch holds it', async () => {
    await selectBackend({backend});
    const conv = new Conv2d(2, 3, 3, {bias: false});
    // Its value tells each element's place: h·1000 + w·100 + i·10 + o.
    const hwio = Float32Array.from({length: 54}, (_, at) => {
      const [o, i, w, h] = [at % 3, Math.floor(at / 3) % 2, Math.floor(at / 6) % 3, Math.floor(at / 18)];
      return h * 1000 + w * 100 + i * 10 + o;
    });
    conv.weight.variable.assign(tf.tensor4d(hwio, [3, 3, 2, 3]));
    const {data} = getStateDict(conv).get('weight')!;
    const at = (o: number, i: number, h: number, w: number) => data[((o * 2 + i) * 3 + h) * 3 + w];
    expect(at(2, 1, 0, 2)).toBe(212);
    expect(at(1, 0, 2, 1)).toBe(2101);
  });

  it('come back unchanged, the counter included, also after a training step has used the weights', async () => {
    await selectBackend({backend});
    const source = net();
    initializeLayers(source, 3, constantDeviation(1));
    source.forward(tf.ones([2, 5, 5, 2]));
    const dict = getStateDict(source);
    expect(dict.get('1.num_batches_tracked')!.data[0]).toBe(1n);
    const target = net();
    loadStateDict(target, dict, 'a.safetensors');
    expect(getStateDict(target)).toEqual(dict);
  });

  it('are snapshots: the module goes on without changing them, nor do they change the module', async () => {
    await selectBackend({backend});
    const source = net();
    const dict = getStateDict(source);
    source.forward(tf.ones([2, 5, 5, 2]));
    expect(dict.get('1.running_mean')!.data[0]).toBe(0);
    loadStateDict(source, dict, 'a.safetensors');
    (dict.get('1.running_var')!.data as Float32Array).fill(9);
    expect(getStateDict(source).get('1.running_var')!.data[0]).toBe(1);
  });
});

describe('loadStateDict', () => {
  it('reads float64 and does without num_batches_tracked', async () => {
    await selectBackend({backend: 'torch'});
    const dict = without(getStateDict(net()), '1.num_batches_tracked');
    dict.set('0.bias', {dtype: 'F64', shape: [3], data: Float64Array.of(1, 2, 3)});
    const target = net();
    loadStateDict(target, dict, 'a.pth');
    expect(getStateDict(target).get('0.bias')!.data).toEqual(Float32Array.of(1, 2, 3));
  });

  it('names the file, at most five keys of each fault with their number, and what to do', async () => {
    await selectBackend({backend: 'torch'});
    const other = new Sequential(...Array.from({length: 4}, () => new Conv2d(2, 3, 3)));
    const message = messageOf(() => loadStateDict(other, getStateDict(net()), 'runs/a.pth'));
    expect(message).toBe(
      'runs/a.pth: does not fit the model: 4 keys are missing (2.weight, 2.bias, 3.weight, 3.bias); ' +
        '3 keys are unexpected (1.running_mean, 1.running_var, 1.num_batches_tracked); ' +
        '1 key is of another shape or type (1.weight is F32 [3] instead of F32 [3,2,3,3]). ' +
        'The checkpoint is for another model: give the one that was saved from this model, ' +
        'or set "model" to what the checkpoint was trained with.',
    );
    const empty = messageOf(() => loadStateDict(other, new Map(), 'runs/a.pth'));
    expect(empty).toContain('8 keys are missing (0.weight, 0.bias, 1.weight, 1.bias, 2.weight, …)');
  });

  it('changes nothing when it refuses', async () => {
    await selectBackend({backend: 'torch'});
    const source = net();
    initializeLayers(source, 3, constantDeviation(1));
    const target = net();
    const before = getStateDict(target);
    expect(() => loadStateDict(target, without(getStateDict(source), '1.bias'), 'a.pth')).toThrow(UserError);
    expect(getStateDict(target)).toEqual(before);
  });
});

describe('loadMatching', () => {
  it('fills what fits and says which keys it left', async () => {
    await selectBackend({backend: 'torch'});
    const source = new Sequential(new Conv2d(2, 3, 3), new Conv2d(3, 17, 1));
    initializeLayers(source, 3, constantDeviation(1));
    const target = new Sequential(new Conv2d(2, 3, 3), new Conv2d(3, 14, 1));
    const dict = getStateDict(source);
    expect(loadMatching(target, dict, 'a.pth')).toEqual(['1.weight', '1.bias']);
    expect(getStateDict(target).get('0.weight')).toEqual(dict.get('0.weight'));
    expect(getStateDict(target).get('1.weight')!.data).toEqual(new Float32Array(3 * 14));
  });

  it('refuses a file of which nothing fits', async () => {
    await selectBackend({backend: 'torch'});
    const dict: StateDict = new Map([['fc.weight', {dtype: 'F32', shape: [1], data: Float32Array.of(1)}]]);
    expect(messageOf(() => loadMatching(net(), dict, 'a.pth'))).toMatch(
      /^a\.pth: none of its 1 arrays.*fc\.weight/,
    );
  });
});

describe('fromHost', () => {
  it('undoes toHost and refuses another shape', async () => {
    await selectBackend({backend: 'torch'});
    const host = toHost(tf.tensor2d([[1, 2, 3]]));
    expect(fromHost(host, [1, 3], 'a: x').arraySync()).toEqual([[1, 2, 3]]);
    expect(messageOf(() => fromHost(host, [3], 'a.safetensors: x'))).toContain(
      'a.safetensors: x: is F32 [1,3] instead of F32 [3].',
    );
  });
});
