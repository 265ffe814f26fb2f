/** @file Names, modes and lifetimes of modules. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {BatchNorm2d, Conv2d, ReLU} from '../../src/nn/layers.js';
import {type Layer, Module, Parameter} from '../../src/nn/module.js';
import {Sequential} from '../../src/nn/sequential.js';

class Net extends Module {
  readonly stem = new Conv2d(3, 4, 3, {bias: false});
  readonly paths: (Layer | null)[][] = [
    [null, new Sequential(new Conv2d(4, 2, 1), new ReLU(), new BatchNorm2d(2))],
    [new BatchNorm2d(4), null],
  ];
  readonly scales = [new Parameter<tf.Rank.R1>([5], 1)];
}

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

describe('Module', () => {
  it('names parameters as PyTorch does: properties and indices joined by dots, null keeping its index', () => {
    expect([...new Net().namedParameters().keys()]).toEqual([
      'stem.weight',
      'paths.0.1.0.weight',
      'paths.0.1.0.bias',
      'paths.0.1.2.weight',
      'paths.0.1.2.bias',
      'paths.1.0.weight',
      'paths.1.0.bias',
      'scales.0',
    ]);
  });

  it('names buffers apart from parameters', () => {
    const buffers = [...new Net().namedBuffers().keys()];
    expect(buffers).toEqual([
      'paths.0.1.2.running_mean',
      'paths.0.1.2.running_var',
      'paths.1.0.running_mean',
      'paths.1.0.running_var',
    ]);
  });

  it('adds no segment for a member without a name', () => {
    class Flat extends Module {
      override members(): Iterable<readonly [string, Module]> {
        return [['', new Net()]];
      }
    }
    expect([...new Flat().namedParameters().keys()][0]).toBe('stem.weight');
  });

  it('switches everything below it between training and evaluation', () => {
    const net = new Net();
    const modes = () => [...net.namedModules().values()].map(({training}) => training);
    expect(modes().every(Boolean)).toBe(true);
    net.eval();
    expect(modes().some(Boolean)).toBe(false);
    net.train();
    expect(modes().every(Boolean)).toBe(true);
  });

  it('freezes everything below it in evaluation, and is not trained again', () => {
    const net = new Net().freeze();
    expect([...net.namedModules().values()].every(({frozen, training}) => frozen && !training)).toBe(true);
    expect(() => net.train()).toThrow('a frozen network cannot be trained');
    expect(() => net.eval()).not.toThrow();
  });

  it('lets several modules of the same kind live side by side and frees all their tensors', () => {
    const before = tf.memory().numTensors;
    const nets = [new Net(), new Net()];
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    for (const net of nets) net.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
