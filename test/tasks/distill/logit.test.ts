/** @file Distillation of outputs against plain loops over keypoints and bins. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../../src/engine/gradients.js';
import {selectBackend} from '../../../src/engine/index.js';
import {divergence, LogitDistillation} from '../../../src/tasks/distill/logit.js';
import {drawn} from '../../engine/compare.js';
import {stepOf, termsOf} from './steps.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const [BATCH, KEYPOINTS, BINS] = [3, 4, 7];

const softmaxOf = (values: number[]): number[] => {
  const exponentials = values.map(Math.exp);
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / sum);
};

/** Σ over bins of t·log(t / s), averaged over the rows. */
function plainDivergence(student: number[][], teacher: number[][], sharpness: number): number {
  const rows = student.map((row, i) => {
    const [s, t] = [row, teacher[i]].map((values) => softmaxOf(values.map((value) => value * sharpness)));
    return t.reduce((sum, share, bin) => sum + share * Math.log(share / s[bin]), 0);
  });
  return rows.reduce((a, b) => a + b) / rows.length;
}

const rowsOf = (vectors: tf.Tensor): number[][] =>
  tf.reshape(vectors, [-1, vectors.shape.at(-1)!]).arraySync() as number[][];

describe('the divergence of outputs', () => {
  it('of vectors is that of their softmax, averaged over keypoints', () => {
    const [student, teacher] = ['s', 't'].map((name) => drawn(name, [BATCH, KEYPOINTS, BINS]));
    const value = divergence(student, teacher, 2).dataSync()[0];
    expect(value).toBeCloseTo(plainDivergence(rowsOf(student), rowsOf(teacher), 2), 5);
  });

  it('of heatmaps is that of the cells of each keypoint', () => {
    const [student, teacher] = ['s', 't'].map((name) => drawn<tf.Rank.R4>(name, [BATCH, 3, 2, KEYPOINTS]));
    const rows = (maps: tf.Tensor4D) => rowsOf(tf.reshape(tf.transpose(maps, [0, 3, 1, 2]), [-1, 6]));
    const value = divergence(student, teacher, 1).dataSync()[0];
    expect(value).toBeCloseTo(plainDivergence(rows(student), rows(teacher), 1), 5);
  });

  it('is 0 between equals, where its slope is 0, too', () => {
    const x = tf.variable(drawn('x', [BATCH, KEYPOINTS, BINS]));
    const {value, gradients} = valueAndGradients(() => divergence(x, tf.clone(drawn('x', x.shape)), 10), [x]);
    expect(Math.abs(value.dataSync()[0])).toBeLessThan(1e-6);
    expect(gradients[0].dataSync<'float32'>().every((slope) => Math.abs(slope) < 1e-6)).toBe(true);
  });
});

describe('logit distillation', () => {
  const outputs = {
    student: [drawn('x', [BATCH, KEYPOINTS, BINS]), drawn('y', [BATCH, KEYPOINTS, BINS + 2])],
    teacher: [drawn('tx', [BATCH, KEYPOINTS, BINS]), drawn('ty', [BATCH, KEYPOINTS, BINS + 2])],
  };

  it('adds up the divergences of all outputs', () => {
    const method = new LogitDistillation({loss: 'divergence', sharpness: 3, weight: 0.1});
    const expected = outputs.student.map((output, i) =>
      plainDivergence(rowsOf(output), rowsOf(outputs.teacher[i]), 3),
    );
    const {logit} = termsOf(method, stepOf(outputs));
    expect(logit[0] / (expected[0] + expected[1])).toBeCloseTo(1, 4);
    expect(logit[1]).toBe(0.1);
  });

  it('by squares is half their mean', () => {
    const method = new LogitDistillation({loss: 'squares', sharpness: 1, weight: 1});
    const student = [tf.fill([2, 3, 4, 5], 3)];
    const teacher = [tf.fill([2, 3, 4, 5], 1)];
    expect(termsOf(method, stepOf({student, teacher})).logit[0]).toBeCloseTo(2, 6);
  });
});
