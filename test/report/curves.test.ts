import {describe, expect, it} from 'vitest';
import {runCurves, smooth} from '../../src/report/curves.js';
import type {MetricsEvent} from '../../src/report/metricsLog.js';

const train = (step: number): MetricsEvent => ({
  type: 'train',
  step,
  epoch: 0,
  loss: 1 / step,
  learningRate: 1e-3,
  imagesPerSecond: 60,
});

describe('smoothing', () => {
  it('starts at the first value and forgets it slowly', () => {
    // With length 2, weights halve: (1/2 · 0 + 3) / (1/2 + 1) = 2.
    const smoothed = smooth(
      [
        [0, 0],
        [1, 3],
      ],
      2,
    );
    expect(smoothed).toEqual([
      [0, 0],
      [1, 2],
    ]);
  });

  it('is not poisoned by a NaN', () => {
    const smoothed = smooth([
      [0, 1],
      [1, Number.NaN],
      [2, 1],
    ]);
    expect(smoothed.map(([, y]) => y)).toEqual([1, Number.NaN, 1]);
  });
});

describe("a run's curves", () => {
  it('are loss, validation, learning rate and speed', () => {
    const evaluation: MetricsEvent = {type: 'eval', step: 10, epoch: 1, AP: 0.5, AP75: -1};
    const plots = runCurves([train(1), train(2), evaluation]);
    const titles = plots.map((svg) => /aria-label="([^"]*)"/.exec(svg)?.[1]);
    expect(titles).toEqual(['Training loss', 'Validation', 'Learning rate', 'Images per second']);
    expect(plots[1]).toContain('<title>1: 0.5</title>');
    expect(plots[1]).not.toContain('AP75');
  });

  it('show a long loss smoothed, with the raw values behind', () => {
    const [short] = runCurves([train(1), train(2)]);
    const [long] = runCurves(Array.from({length: 100}, (_, i) => train(i + 1)));
    expect(short.match(/fill="none"/g)).toHaveLength(1);
    expect(long.match(/fill="none"/g)).toHaveLength(2);
  });

  it('draw each part of the loss', () => {
    const [loss] = runCurves([{...train(1), lossCenter: 0.2, lossHeatmap: 0.3}]);
    for (const name of ['loss', 'lossCenter', 'lossHeatmap']) expect(loss).toContain(`>${name}</text>`);
  });
});
