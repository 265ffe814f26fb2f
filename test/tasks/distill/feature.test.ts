/** @file FitNet's distillation against a plain loop, and onto another grid. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import {initializeLayers, torchDefault} from '../../../src/nn/init.js';
import {FeatureDistillation} from '../../../src/tasks/distill/feature.js';
import {drawn} from '../../engine/compare.js';
import {CHANNELS, gradientsOf, stepOf, termsOf} from './steps.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

function method(): FeatureDistillation {
  const result = new FeatureDistillation(CHANNELS, {weight: 0.5});
  initializeLayers(result, 1, torchDefault);
  return result;
}

/** mean((W·student + b − teacher)²), cell by cell. */
function plainLoss(result: FeatureDistillation): number {
  const step = stepOf();
  const student = step.student.features.dataSync();
  const teacher = step.teacher.features.dataSync();
  const weight = result.align.weight.variable.dataSync();
  const bias = result.align.bias!.variable.dataSync();
  let sum = 0;
  for (let i = 0; i < teacher.length; i++) {
    const [cell, output] = [Math.floor(i / CHANNELS.teacher), i % CHANNELS.teacher];
    let value = bias[output];
    for (let input = 0; input < CHANNELS.student; input++) {
      value += student[cell * CHANNELS.student + input] * weight[input * CHANNELS.teacher + output];
    }
    sum += (value - teacher[i]) ** 2;
  }
  return sum / teacher.length;
}

describe('feature distillation', () => {
  it("is the mean square between the teacher's features and the projected student's", () => {
    const result = method();
    const {feature} = termsOf(result, stepOf());
    expect(feature[0]).toBeCloseTo(plainLoss(result), 5);
    expect(feature[1]).toBe(0.5);
  });

  it('trains its projection', () => {
    const result = method();
    for (const gradient of gradientsOf(result, stepOf, result.parameters()))
      expect(gradient.every((value) => value !== 0)).toBe(true);
  });

  it("brings a student's finer features onto the teacher's grid", () => {
    const result = method();
    const step = stepOf();
    const fine = tf.image.resizeNearestNeighbor(step.student.features, [8, 6]);
    const {feature} = termsOf(result, {...step, student: {features: fine, outputs: []}});
    // Four equal cells mix to themselves.
    expect(feature[0]).toBeCloseTo(plainLoss(result), 5);
  });

  it('changes nothing in inference', () => {
    const {draws} = stepOf();
    expect(method().refine(drawn<tf.Rank.R4>('x', [1, 4, 3, CHANNELS.student]), draws)).toBeNull();
  });
});
