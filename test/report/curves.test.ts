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
    expect(titles).toEqual(['Training loss', 'Validation: AP and AR', 'Learning rate', 'Images per second']);
    expect(plots[1]).toContain('<title>1: 0.5</title>');
    expect(plots[1]).not.toContain('AP75');
  });

  it('draw figures of one scale together, and those of another apart', () => {
    const figures = {AP: 0.5, AR: 0.6, PCKh: 88.5, 'PCKh@0.1': 34, PCK: 0.9, AUC: -1, EPE: 4.2, NME: 0.03};
    const plots = runCurves([train(1), {type: 'eval', step: 1, epoch: 1, ...figures}]);
    const shown = plots.slice(1, -2).map((svg) => {
      const values = [...svg.matchAll(/<title>1: ([\d.]+)<\/title>/g)].map(([, value]) => Number(value));
      return [/aria-label="Validation: ([^"]*)"/.exec(svg)?.[1], ...values];
    });
    expect(shown).toEqual([
      ['AP and AR', 0.5, 0.6],
      ['PCKh, per cent', 88.5, 34],
      ['PCK', 0.9],
      ['end-point error, pixels', 4.2],
      ['end-point error, of a length', 0.03],
    ]);
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
