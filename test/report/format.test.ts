import {describe, expect, it} from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatLarge,
  formatLearningRate,
  formatNumber,
  formatShare,
} from '../../src/report/format.js';

describe('numbers for people', () => {
  it.each([
    [0.4, '0 s'],
    [45.2, '45 s'],
    [59.7, '1 m 0 s'],
    [200, '3 m 20 s'],
    [3599.6, '1 h 0 m'],
    [7800, '2 h 10 m'],
    [86399, '1 d 0 h'],
    [273600, '3 d 4 h'],
    [Number.NaN, '?'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    [1e-3, '1e-3'],
    [5.5e-4, '5.5e-4'],
    [0, '0'],
    [0.1, '1e-1'],
  ])('writes the learning rate %d as %s', (rate, text) => {
    expect(formatLearningRate(rate)).toBe(text);
  });

  it('writes losses, shares, counts and large numbers short', () => {
    expect(formatNumber(0.000612345)).toBe('0.000612');
    expect(formatNumber(62.4449)).toBe('62.4');
    expect(formatNumber(Number.NaN)).toBe('NaN');
    expect(formatShare(0.031)).toBe('3 %');
    expect(formatCount(118287)).toBe('118,287');
    expect(formatLarge(28_535_552)).toBe('28.5 M');
    expect(formatLarge(999_700)).toBe('1 M');
    expect(formatLarge(512)).toBe('512');
    expect(formatBytes(512)).toBe('512 bytes');
    expect(formatBytes(1.5 * 2 ** 30)).toBe('1.5 GiB');
  });
});
