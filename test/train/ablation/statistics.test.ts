import {describe, expect, it} from 'vitest';
import {combinationsOf, effectsOf, type Measured, spreadOf} from '../../../src/train/ablation/statistics.js';

describe('the spread of values', () => {
  it('is their mean and the standard deviation of a sample', () => {
    // Mean 5; squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32; 32 / 7.
    const {mean, deviation} = spreadOf([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(mean).toBe(5);
    expect(deviation).toBeCloseTo(2.138089935299395, 12);
  });

  it('of two values is their distance over the square root of two', () => {
    expect(spreadOf([0.5, 0.6]).deviation).toBeCloseTo(0.1 / Math.SQRT2, 12);
  });

  it('of one value is not known', () => {
    expect(spreadOf([0.4])).toEqual({mean: 0.4, deviation: null, values: [0.4]});
  });
});

const run = (variants: string[], seed: number, figures: Record<string, number>): Measured => ({
  variants,
  seed,
  figures,
});

describe('the combinations of runs', () => {
  const runs = [
    run(['a', 'x'], 0, {AP: 0.1, AR: 0.5}),
    run(['a', 'x'], 1, {AP: 0.3, AR: -1}),
    run(['a', 'y'], 0, {AP: -1}),
    run(['b', 'x'], 0, {AP: 0.6}),
  ];

  it('have the seeds of each together, without what was not measured', () => {
    const [first, second, third] = combinationsOf(runs);
    expect(first).toMatchObject({variants: ['a', 'x'], seeds: [0, 1]});
    expect(first.figures.AP.mean).toBeCloseTo(0.2, 12);
    expect(first.figures.AP.deviation).toBeCloseTo(0.2 / Math.SQRT2, 12);
    expect(first.figures.AR).toEqual({mean: 0.5, deviation: null, values: [0.5]});
    expect(second).toEqual({variants: ['a', 'y'], seeds: [0], figures: {}});
    expect(third.figures.AP.values).toEqual([0.6]);
  });

  it('of one axis join all that share its variant', () => {
    const effects = effectsOf(runs, 1);
    expect(effects.map(({variants}) => variants)).toEqual([['x'], ['y']]);
    expect(effects[0].figures.AP.values).toEqual([0.1, 0.3, 0.6]);
  });
});
