import {describe, expect, it} from 'vitest';
import {type BarPlot, barPlot} from '../../src/report/barPlot.js';

const plot: BarPlot = {
  title: 'Fruit & <more>',
  xLabel: 'kind',
  stack: [
    {name: 'ripe', color: '#00ff00'},
    {name: 'green', color: '#0000ff'},
  ],
  bars: [
    {label: 'apples', values: [30, 10]},
    {label: 'pears', values: [0, 20]},
  ],
};

/** y and height of the bars of a colour. */
function bars(svg: string, color: string): number[][] {
  const found = svg.matchAll(
    new RegExp(`<rect x="[^"]+" y="([^"]+)" width="[^"]+" height="([^"]+)" fill="${color}"><title>`, 'g'),
  );
  return [...found].map(([, y, height]) => [Number(y), Number(height)]);
}

describe('barPlot', () => {
  it('stacks values in proportion, from the bottom', () => {
    const [[ripeTop, ripeHeight]] = bars(barPlot(plot), '#00ff00');
    const [apples, pears] = bars(barPlot(plot), '#0000ff');
    expect(ripeHeight / apples[1]).toBeCloseTo(3, 1);
    expect(pears[1] / apples[1]).toBeCloseTo(2, 1);
    expect(apples[0] + apples[1]).toBeCloseTo(ripeTop, 1);
    expect(pears[0] + pears[1]).toBeCloseTo(ripeTop + ripeHeight, 1);
  });

  it('draws no bar for nothing, and says counts and shares in tooltips', () => {
    const svg = barPlot(plot);
    expect(bars(svg, '#00ff00')).toHaveLength(1);
    expect(svg).toContain('<title>apples: 30 ripe, 75 %</title>');
  });

  it('escapes what it is given, names the stack, and has whole numbers on its axis', () => {
    const svg = barPlot(plot);
    expect(svg).toContain('Fruit &amp; &lt;more&gt;');
    expect(svg).toMatch(/>ripe<.*>|>green</);
    expect(barPlot({...plot, bars: [{label: 'a', values: [1, 0]}]})).not.toMatch(/>0\.\d/);
  });

  it('leaves out labels that would run into each other', () => {
    const many = Array.from({length: 100}, (_, i) => ({label: `bar ${i}`, values: [1, 1]}));
    const shown = barPlot({...plot, bars: many}).match(/>bar \d+</g)!;
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.length).toBeLessThan(15);
    expect(barPlot({...plot, bars: many, hasNames: true}).match(/>bar \d+</g)).toHaveLength(100);
  });

  it('draws an empty chart of no bars', () => {
    expect(barPlot({...plot, bars: []})).toContain('</svg>');
  });
});
