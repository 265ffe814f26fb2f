import {describe, expect, it} from 'vitest';
import {ProgressMeter, progressLine} from '../../src/report/progress.js';

describe('the progress meter', () => {
  it('averages over its window only', () => {
    const meter = new ProgressMeter(4);
    for (let i = 0; i < 10; i++) meter.addStep({seconds: 100, waitSeconds: 100, images: 1});
    for (let i = 0; i < 4; i++) meter.addStep({seconds: 0.5, waitSeconds: 0.1, images: 32});
    expect(meter.imagesPerSecond).toBeCloseTo(64);
    expect(meter.dataWaitShare).toBeCloseTo(0.2);
    expect(meter.secondsLeft(20)).toBeCloseTo(10);
  });

  it('counts the validations still to come with the time of the last one', () => {
    const meter = new ProgressMeter();
    meter.addStep({seconds: 2, waitSeconds: 0, images: 8});
    meter.addEvaluation(30);
    expect(meter.secondsLeft(10, 3)).toBeCloseTo(20 + 90);
  });
});

describe('the progress line', () => {
  const state = {
    epoch: 3,
    epochs: 210,
    step: 1200,
    steps: 2340,
    loss: 0.00061,
    accuracy: 0.81,
    learningRate: 1e-3,
    imagesPerSecond: 62.4,
    dataWaitShare: 0.03,
    secondsLeft: 7800,
  };

  it('says everything on one line', () => {
    expect(progressLine(state)).toBe(
      'epoch 3/210  step 1200/2340  loss 0.00061  acc 0.81  lr 1e-3  62.4 images/s  data 3 %  eta 2 h 10 m',
    );
  });

  it.each([
    [80, 'epoch 3/210  step 1200/2340  loss 0.00061  acc 0.81  62.4 images/s  eta 2 h 10 m'],
    [60, 'epoch 3/210  step 1200/2340  loss 0.00061  eta 2 h 10 m'],
    [20, 'epoch 3/210  step 1200/2340  eta 2 h 10 m'],
  ])('keeps the end of the run in sight at a width of %d', (width, line) => {
    expect(progressLine(state, width)).toBe(line);
  });

  it('has question marks before the first measurement, and no accuracy where there is none', () => {
    const meter = new ProgressMeter();
    const line = progressLine({
      ...state,
      step: 7,
      accuracy: undefined,
      imagesPerSecond: meter.imagesPerSecond,
      dataWaitShare: meter.dataWaitShare,
      secondsLeft: meter.secondsLeft(100),
    });
    expect(line).toBe('epoch 3/210  step    7/2340  loss 0.00061  lr 1e-3  ? images/s  data ?  eta ?');
  });
});
