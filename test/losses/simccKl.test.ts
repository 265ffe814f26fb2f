/** @file The loss on SimCC's bins against numbers worked out from its formula. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {createLoss} from '../../src/losses/create.js';
import {simccKl} from '../../src/losses/simccKl.js';
import {SIMCC_HEAD, TINY_RTMCC_HEAD} from '../models/configs.js';

const BINS = 384;
const RTMPOSE = {beta: 10, labelBeta: 10};

/** RTMPose's label around a bin. */
function label(middle: number): tf.Tensor {
  return tf.tensor(
    Float32Array.from({length: BINS}, (_, i) => Math.exp(-((i - middle) ** 2) / (2 * 4.9 ** 2))),
    [1, 1, BINS],
  );
}

const value = (loss: tf.Scalar) => loss.dataSync()[0];
const one = () => tf.ones<tf.Rank.R2>([1, 1]);

/** KL(t ‖ p) in double precision. */
function divergence(t: number[], logits: number[]): number {
  const log = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
  return t.reduce((sum, p, i) => sum + (p > 0 ? p * (Math.log(p) - logits[i] + log) : 0), 0);
}

describe.each(['torch', 'cpu'] as const)('simccKl on the %s backend', (backend) => {
  beforeAll(async () => {
    await selectBackend({backend});
  });

  it('of a label in the middle against nothing, and against itself, is what the formula says', () => {
    const g = label(100);
    expect(value(simccKl([tf.zerosLike(g)], [g], one(), RTMPOSE))).toBeCloseTo(0.01030109, 7);
    expect(value(simccKl([g], [g], one(), {beta: 1, labelBeta: 10}))).toBeCloseTo(0.00797076, 7);
    expect(value(simccKl([g], [g], one(), RTMPOSE))).toBeCloseTo(0, 8);
  });

  it('sums over people and axes, by their weights, and divides by the number of keypoints', () => {
    const none = simccKl([tf.zeros([1, 1, BINS])], [label(100)], one(), RTMPOSE);
    const people = tf.tile(label(100), [3, 2, 1]);
    const nothing = tf.zerosLike(people);
    const weights = tf.tensor2d([1, 0, 1, 0.5, 0, 0], [3, 2]);
    const all = simccKl([nothing, nothing], [people, people], weights, RTMPOSE);
    expect(value(all) / value(none)).toBeCloseTo((2 * 2.5) / 2, 4);
  });

  it('takes labels that sum to 1 as they are', () => {
    const t = [0.25, 0.75, 0, 0];
    const logits = [0.3, -0.2, 1, 0.5];
    const options = {beta: 2, labelBeta: null};
    const loss = simccKl([tf.tensor3d([[logits]])], [tf.tensor3d([[t]])], one(), options);
    const doubled = logits.map((z) => 2 * z);
    expect(value(loss)).toBeCloseTo(divergence(t, doubled) / 4, 6);
  });
});

it('is what both heads that classify coordinates are trained by, with their own temperatures', async () => {
  await selectBackend({backend: 'torch'});
  const g = label(100);
  const nothing = tf.zerosLike(g);
  const loss = (head: typeof SIMCC_HEAD | typeof TINY_RTMCC_HEAD) =>
    value(createLoss(head)([nothing, nothing], [g, g], one()));
  expect(loss(TINY_RTMCC_HEAD)).toBeCloseTo(2 * 0.01030109, 7);
  expect(loss({...SIMCC_HEAD, labelBeta: 10})).toBeCloseTo(2 * 0.01030109, 7);
});
