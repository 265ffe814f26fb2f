/** @file DWPose's two stages: the sums and divisors of its code, and the weights over the training. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {initializeLayers, torchDefault} from '../../../src/nn/init.js';
import {DwposeFirstStage} from '../../../src/tasks/distill/dwpose.js';
import {divergence, LogitDistillation} from '../../../src/tasks/distill/logit.js';
import {drawn} from '../../engine/compare.js';
import {CHANNELS, stepOf, termsOf} from './steps.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const OUTPUTS = {
  student: [drawn('x', [3, 4, 7]), drawn('y', [3, 4, 9])],
  teacher: [drawn('tx', [3, 4, 7]), drawn('ty', [3, 4, 9])],
};
const SETTINGS = {featureWeight: 7e-5, logitWeight: 0.1, sharpness: 10};

function divergences(): number {
  return OUTPUTS.student.reduce(
    (sum, output, i) => sum + divergence(output, OUTPUTS.teacher[i], 10).dataSync()[0],
    0,
  );
}

describe("DWPose's first stage", () => {
  it('sums squares over cells and channels, and divides by the batch alone', () => {
    const method = new DwposeFirstStage(CHANNELS, SETTINGS);
    // The projection is 0: what is left are the teacher's squares.
    const step = stepOf(OUTPUTS);
    const {feature} = termsOf(method, step);
    const expected = tf.sum(tf.square(step.teacher.features)).dataSync()[0] / 3;
    expect(feature[0] / expected).toBeCloseTo(1, 5);
  });

  it('looks at the features of the student, once they are projected', () => {
    const method = new DwposeFirstStage(CHANNELS, SETTINGS);
    const before = termsOf(method, stepOf(OUTPUTS)).feature[0];
    initializeLayers(method, 1, torchDefault);
    expect(termsOf(method, stepOf(OUTPUTS)).feature[0]).not.toBe(before);
  });

  it.each([
    [0, 7e-5, 0.1],
    [0.25, 5.25e-5, 0.075],
    [1, 0, 0],
  ])('at %d of the training weighs features by %d and outputs by %d', (progress, feature, logit) => {
    const method = new DwposeFirstStage(CHANNELS, SETTINGS);
    const terms = termsOf(method, {...stepOf(OUTPUTS), progress});
    expect(terms.feature[1]).toBeCloseTo(feature, 12);
    expect(terms.logit[1]).toBeCloseTo(logit, 12);
    expect(terms.logit[0] / divergences()).toBeCloseTo(1, 5);
  });
});

describe("DWPose's second stage", () => {
  it('looks at the outputs alone, with the same weight to the end', () => {
    const method = new LogitDistillation({loss: 'divergence', sharpness: 10, weight: 1});
    for (const progress of [0, 0.9]) {
      const terms = termsOf(method, {...stepOf(OUTPUTS), progress});
      expect(Object.keys(terms)).toEqual(['logit']);
      expect(terms.logit[0] / divergences()).toBeCloseTo(1, 5);
      expect(terms.logit[1]).toBe(1);
    }
    expect(method.parameters()).toEqual([]);
  });
});
