import {describe, expect, it} from 'vitest';
import {linePlot} from '../../src/report/plots.js';

/** The curves' path data: the paths without a fill. */
const curves = (svg: string) => [...svg.matchAll(/<path d="([^"]*)" fill="none"/g)].map((match) => match[1]);
const plot = (points: [number, number][], logY = false) =>
  linePlot({title: 'Loss', xLabel: 'step', series: [{name: 'loss', points}], logY});

describe('a line plot', () => {
  it('maps the lowest value to the axis and the highest to the top', () => {
    // The frame reaches from (58, 224) to (464, 40), the ticks from 0 to 1.
    const points: [number, number][] = [
      [0, 0],
      [5, 0.5],
      [10, 1],
    ];
    expect(curves(plot(points))).toEqual(['M58.0 224.0L261.0 132.0L464.0 40.0']);
  });

  it('draws decades at equal distances on a logarithmic axis, and leaves out what has no logarithm', () => {
    const points: [number, number][] = [
      [0, 1],
      [1, 0.001],
      [2, 0],
      [3, 0.001],
      [4, 1],
    ];
    expect(curves(plot(points, true))).toEqual(['M58.0 40.0L159.5 224.0M362.5 224.0L464.0 40.0']);
  });

  it('lifts the pen where a value is not finite', () => {
    const points: [number, number][] = [
      [0, 0],
      [1, Number.NaN],
      [2, 1],
      [3, Number.POSITIVE_INFINITY],
      [4, 1],
    ];
    expect(curves(plot(points))[0].match(/M/g)).toHaveLength(3);
  });

  it('says so when there is nothing to draw', () => {
    expect(plot([])).toContain('no values yet');
    expect(plot([[0, Number.NaN]])).toContain('no values yet');
  });

  it('stays small for long runs and keeps their peaks', () => {
    const points = Array.from({length: 100_000}, (_, i): [number, number] => [i, i === 54_321 ? 1 : 0.1]);
    const svg = plot(points);
    expect(svg.length).toBeLessThan(30_000);
    expect(curves(svg)[0]).toMatch(/ 40\.0L/);
  });

  it('names several series in a legend, and escapes every name', () => {
    const series = ['AP', '<AR>'].map((name) => ({name, points: [[0, 1] as const, [1, 2] as const]}));
    const svg = linePlot({title: 'a & b', xLabel: '"epoch"', series});
    expect(svg).toContain('>AP</text>');
    expect(svg).toContain('&lt;AR&gt;</text>');
    expect(svg).toContain('a &amp; b');
    expect(svg).not.toMatch(/<AR>|"epoch"/);
  });

  it('gives a raw curve the colour of the smoothed one', () => {
    const points = [[0, 1] as const, [1, 2] as const];
    const series = [
      {name: 'loss', points, isBackground: true},
      {name: 'loss', points},
    ];
    const svg = linePlot({title: 'Loss', xLabel: 'step', series});
    const strokes = [...svg.matchAll(/fill="none" stroke="(#\w+)"/g)].map((match) => match[1]);
    expect(strokes).toHaveLength(2);
    expect(strokes[0]).toBe(strokes[1]);
  });
});
