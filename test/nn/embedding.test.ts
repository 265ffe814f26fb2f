/** @file The table of learned vectors. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, expect, it} from 'vitest';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {selectBackend} from '../../src/engine/index.js';
import {Embedding} from '../../src/nn/embedding.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

it('gives rows by number, and its gradient adds up where a row was taken twice', () => {
  const table = new Embedding(3, 2);
  table.weight.variable.assign(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]));
  const rows = tf.tensor1d([2, 0, 2], 'int32');
  expect([...table.forward(rows).dataSync()]).toEqual([5, 6, 1, 2, 5, 6]);
  const {gradients} = valueAndGradients(() => tf.sum(table.forward(rows)), table.parameters());
  expect([...gradients[0].dataSync()]).toEqual([1, 1, 0, 0, 2, 2]);
});
