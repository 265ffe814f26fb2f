import sharp from 'sharp';
import {describe, expect, it} from 'vitest';
import {dotPlot} from '../../src/report/dotPlot.js';

const ROWS = [
  {label: 'a', values: [0, 1], mean: 0.5, deviation: 0.5},
  {label: 'b & c', values: [0.25], mean: 0.25, deviation: null},
];

const svg = dotPlot({title: 'AP', xLabel: 'AP of every run', rows: ROWS});
const positions = (pattern: RegExp) => [...svg.matchAll(pattern)].map(([, x]) => Number(x));

describe('a plot of dots', () => {
  it('puts values in proportion, the mean between them', () => {
    const [low, high, quarter] = positions(/<circle cx="([\d.]+)"/g);
    const [mean] = positions(/<path d="M([\d.]+) [\d.]+v18"/g);
    expect(mean).toBeCloseTo((low + high) / 2, 0);
    expect(quarter).toBeCloseTo(low + (high - low) / 4, 0);
  });

  it('draws one deviation to each side of the mean, none for a single run', () => {
    const spreads = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)H([\d.]+)" stroke="#2f81f7"/g)];
    expect(spreads).toHaveLength(1);
    const [low, high] = positions(/<circle cx="([\d.]+)"/g);
    expect(spreads[0].slice(1).map(Number)).toEqual([low, expect.any(Number), high]);
  });

  it('is a document of its own, whatever the labels', async () => {
    expect(svg).toContain('b &amp; c');
    expect((await sharp(Buffer.from(svg)).metadata()).height).toBeGreaterThan(60);
  });

  it('has room around values that are all the same', () => {
    const same = dotPlot({
      title: 'AP',
      xLabel: '',
      rows: [{label: 'a', values: [0, 0], mean: 0, deviation: 0}],
    });
    expect(same).not.toContain('NaN');
  });
});
