import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {logTicks, niceTicks} from '../../src/report/ticks.js';

const labels = (ticks: {label: string}[]) => ticks.map(({label}) => label);

describe('ticks', () => {
  it('are round numbers around the data', () => {
    expect(labels(niceTicks(0.02, 0.74, 5))).toEqual(['0', '0.2', '0.4', '0.6', '0.8']);
    expect(labels(niceTicks(0, 42000, 6))).toEqual(['0', '10k', '20k', '30k', '40k', '50k']);
    expect(labels(niceTicks(-3, 4, 5))).toEqual(['-4', '-2', '0', '2', '4']);
    expect(labels(niceTicks(0, 4e-6, 4))).toEqual(['0', '1e-6', '2e-6', '3e-6', '4e-6']);
  });

  it('keep to whole numbers where asked', () => {
    expect(labels(niceTicks(1, 3, 6, 1))).toEqual(['1', '2', '3']);
  });

  it('make room around a flat curve', () => {
    const ticks = niceTicks(7, 7, 5);
    expect(ticks[0].value).toBeLessThan(7);
    expect(ticks[ticks.length - 1].value).toBeGreaterThan(7);
    expect(niceTicks(0, 0, 5).length).toBeGreaterThan(1);
  });

  it('are powers of ten on a wide logarithmic axis, and finer on a narrow one', () => {
    expect(labels(logTicks(2e-5, 30))).toEqual(['1e-5', '1e-4', '1e-3', '0.01', '0.1', '1', '10', '100']);
    expect(labels(logTicks(3e-4, 4e-3))).toEqual(['2e-4', '5e-4', '1e-3', '2e-3', '5e-3']);
    expect(labels(logTicks(1e-3, 1e-3))).toEqual(['1e-3', '2e-3']);
  });

  it('always enclose the data, rise, and are few', () => {
    const figure = fc.double({min: -1e6, max: 1e6, noNaN: true});
    fc.assert(
      fc.property(figure, fc.double({min: 1e-3, max: 1e6, noNaN: true}), (low, range) => {
        const values = niceTicks(low, low + range, 5).map(({value}) => value);
        const slack = range * 1e-6;
        expect(values[0]).toBeLessThanOrEqual(low + slack);
        expect(values[values.length - 1]).toBeGreaterThanOrEqual(low + range - slack);
        expect(values.length).toBeLessThanOrEqual(8);
        expect(values.every((value, i) => i === 0 || value > values[i - 1])).toBe(true);
      }),
    );
  });

  it('enclose the data on a logarithmic axis', () => {
    const power = fc.double({min: -9, max: 5, noNaN: true});
    fc.assert(
      fc.property(power, power, (a, b) => {
        const [low, high] = [10 ** Math.min(a, b), 10 ** Math.max(a, b)];
        const values = logTicks(low, high).map(({value}) => value);
        expect(values.length).toBeGreaterThan(1);
        expect(values[0]).toBeLessThanOrEqual(low * 1.000001);
        expect(values[values.length - 1]).toBeGreaterThanOrEqual(high * 0.999999);
      }),
    );
  });
});
