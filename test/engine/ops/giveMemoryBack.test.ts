/** @file Memory between tensors in use goes back to the system; tensors keep their values. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {giveMemoryBack} from '../../../src/engine/ops/giveMemoryBack.js';

const MIB = 2 ** 20;

describe('giveMemoryBack', () => {
  it('is not needed for larger tensors to take the place of smaller ones', async () => {
    await selectBackend({backend: 'torch'});
    // Each followed by a small one that stays, so that no two of their places could become one.
    const pairs = Array.from({length: 384}, (_, i) => [tf.fill([MIB / 4], i), tf.fill([8000], i)]);
    tf.dispose(pairs.map(([tensor]) => tensor));
    const before = process.memoryUsage.rss();
    const larger = Array.from({length: 192}, (_, i) => tf.fill([MIB / 2], i));
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * MIB);
    tf.dispose([pairs.map(([, small]) => small), larger]);
  });

  it('returns the holes that disposed tensors leave', async () => {
    await selectBackend({backend: 'torch'});
    const tensors = Array.from({length: 256}, (_, i) => tf.fill([MIB / 4], i));
    const kept = tensors.filter((_, i) => i % 2 === 0);
    tf.dispose(tensors.filter((_, i) => i % 2 === 1));
    const before = process.memoryUsage.rss();
    giveMemoryBack();
    expect(before - process.memoryUsage.rss()).toBeGreaterThan(100 * MIB);
    expect(kept.map((tensor) => tensor.dataSync()[MIB / 8])).toEqual(kept.map((_, i) => 2 * i));
    tf.dispose(kept);
  });

  it('is nothing to a backend that keeps none', async () => {
    await selectBackend({backend: 'cpu'});
    expect(giveMemoryBack).not.toThrow();
  });
});
