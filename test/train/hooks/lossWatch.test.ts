/** @file Warnings of losses that leap, and of those that stay zero. */
import {describe, expect, it} from 'vitest';
import {stream} from '../../../src/random.js';
import {LossWatchHook} from '../../../src/train/hooks/lossWatch.js';
import {Run} from '../../../src/train/trainer.js';
import {OUTCOME} from '../steps.js';

const source = {batchesPerEpoch: 1, async *batches() {}};
const TIMES = {samples: 1, milliseconds: 1, waitedMilliseconds: 0, replaced: []};
const WORK = {total: 0, reading: 0, decoding: 0, drawing: 0};

/** What is said over these losses. */
function said(losses: readonly number[], skipped = false): string[] {
  const lines: string[] = [];
  const hook = new LossWatchHook((line) => void lines.push(line));
  losses.forEach((loss, i) => {
    const run = new Run({
      epochs: 1,
      source,
      update: () => OUTCOME,
      hooks: [],
      progress: {step: i + 1, epoch: 0, nextBatch: 0},
    });
    hook.afterStep(run, {...OUTCOME, ...TIMES, work: WORK, loss, skipped});
  });
  return lines;
}

/** A loss of 1 with a deviation of 0.1. */
function noise(count: number): number[] {
  const random = stream(0, 'test/lossWatch');
  return Array.from({length: count}, () => random.normal(1, 0.1));
}

describe('a loss', () => {
  it('that is only noisy gives no cause', () => {
    expect(said(noise(2000))).toEqual([]);
  });

  it('that falls, or is constant, gives none either', () => {
    expect(said(Array.from({length: 300}, (_, i) => 1 / (1 + i)))).toEqual([]);
    expect(said(Array(300).fill(0.25))).toEqual([]);
  });

  it('a thousand times the usual is warned of, with its score', () => {
    const lines = said([...noise(100), 1000, ...noise(100)]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^the loss leapt to 1000 at step 101, \S+ standard deviations above its mean of 1\.0/,
    );
    const score = Number(/(\S+) standard/.exec(lines[0])![1]);
    expect(score).toBeGreaterThan(8000);
    expect(score).toBeLessThan(13000);
  });

  it('is warned of each time that it leaps, and once where it stays', () => {
    expect(said([...noise(50), 100, ...noise(5), 100, 100, ...noise(50)])).toHaveLength(2);
    expect(said([...noise(50), ...Array(200).fill(50)])).toHaveLength(1);
  });

  it('of the first steps is compared with nothing', () => {
    expect(said([1, 1000, 1, 1000, 1])).toEqual([]);
  });

  it('of exactly 0 for fifty steps is warned of once', () => {
    expect(said(Array(49).fill(0))).toEqual([]);
    const lines = said(Array(200).fill(0));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/exactly 0 for 50 steps/);
  });

  it('of a step that was left out does not count', () => {
    expect(said([...noise(50), Number.NaN, 1e6], true)).toEqual([]);
  });
});
