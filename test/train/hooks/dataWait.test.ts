/** @file The warning that the loop waits for its data: when, how often, and with which cause. */
import {describe, expect, it} from 'vitest';
import type {BatchWork} from '../../../src/data/types.js';
import {DataWaitHook} from '../../../src/train/hooks/dataWait.js';
import {Run} from '../../../src/train/trainer.js';
import {CONFIG} from '../config.js';
import {OUTCOME} from '../steps.js';

const run = new Run({
  epochs: 1,
  source: {batchesPerEpoch: 1, async *batches() {}},
  update: () => OUTCOME,
  hooks: [],
});

/** What is said over `steps` steps of 100 ms each. */
function said(
  waitedMilliseconds: number,
  work: Partial<BatchWork>,
  {workers = 1, steps = 200}: {workers?: number; steps?: number} = {},
): string[] {
  const lines: string[] = [];
  const hook = new DataWaitHook({...CONFIG.loader, workers, prefetch: 2}, (line) => lines.push(line));
  const nothing = {total: 0, reading: 0, decoding: 0, drawing: 0};
  for (let i = 0; i < steps; i++) {
    hook.afterStep(run, {
      ...{...OUTCOME, samples: 1, replaced: []},
      ...{milliseconds: 100, waitedMilliseconds, work: {...nothing, ...work}},
    });
  }
  return lines;
}

describe('the data-wait hook', () => {
  it.each([
    [20, 1000],
    [90, 199],
  ])('says nothing of %i ms in 100 over %i steps', (waited, steps) => {
    expect(said(waited, {total: 100, decoding: 90}, {steps})).toEqual([]);
  });

  it('speaks once', () => {
    expect(said(50, {total: 100, decoding: 90}, {steps: 1000})).toHaveLength(1);
  });

  it.each([
    ['reading', {total: 100, reading: 60, decoding: 50, drawing: 30}, 1, /into reading files: copy/],
    [
      'decoding',
      {total: 200, reading: 10, decoding: 90, drawing: 30},
      2,
      /into decoding: raise loader\.workers/,
    ],
    [
      'drawing',
      {total: 100, reading: 10, decoding: 20, drawing: 70},
      1,
      /into warping, .*: raise loader\.workers/,
    ],
    [
      'the queue',
      {total: 100, decoding: 100},
      4,
      /The 4 loader threads were idle 75 % of it: raise loader\.prefetch \(2\)/,
    ],
    ['no threads', {total: 50, decoding: 50}, 0, /loader\.workers=0 makes batches while/],
  ] as const)('finds the cause: %s', (_, work, workers, expected) => {
    const [line] = said(50, work, {workers});
    expect(line).toMatch(/^for 200 steps 50 % of the time was spent waiting for data\. /);
    expect(line).toMatch(expected);
  });
});
