/** @file When a run is validated, what it leaves in the folder, and which validation is the best. */
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {FigureName} from '../../../src/metrics/metricReport.js';
import {RunConsole} from '../../../src/report/console.js';
import {MetricsLog, readMetrics} from '../../../src/report/metricsLog.js';
import type {Evaluation} from '../../../src/tasks/topDownEvaluation.js';
import type {Best} from '../../../src/train/hooks/checkpoint.js';
import {EvaluateHook} from '../../../src/train/hooks/evaluate.js';
import type {Run} from '../../../src/train/trainer.js';

let folder: string;
let printed: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evaluate-hook-'));
  printed = '';
});
afterEach(() => rmSync(folder, {recursive: true}));

/** Validates after some of the epochs of a run, with these figures in turn. */
async function validate(
  figures: number[],
  options: {
    every?: number;
    epochs?: number;
    best?: Best | null;
    note?: (figure: number) => string;
    name?: FigureName;
  } = {},
): Promise<EvaluateHook> {
  const {every = 1, epochs = figures.length, best = null, note, name = 'AP'} = options;
  const stream = {
    write: (text: string) => {
      printed += text;
      return true;
    },
    on: () => {},
  };
  const rest = [...figures];
  const evaluate = async () => {
    const figure = rest.shift()!;
    return {
      stats: {[name]: figure},
      perKeypoint: {nose: {OKS: figure}},
      primary: {name, value: figure},
      results: [{score: figure}],
      note: note?.(figure) ?? null,
    } as unknown as Evaluation;
  };
  const metrics = MetricsLog.open(join(folder, 'metrics.jsonl'));
  const hook = new EvaluateHook({
    ...{runFolder: folder, every, evaluate, metrics, best},
    console: new RunConsole({stream, environment: {}}),
  });
  for (let epoch = 1; epoch <= epochs; epoch++) {
    await hook.afterEpoch({progress: {epoch, step: 10 * epoch}, options: {epochs}} as unknown as Run);
  }
  expect(rest).toEqual([]);
  return hook;
}

const readJson = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

describe('validation', () => {
  it('remembers the best, not the last', async () => {
    const hook = await validate([0.2, 0.5, 0.3]);
    expect(hook.best).toEqual({epoch: 2, step: 20, figure: 0.5});
    expect(hook.latest?.stats.AP).toBe(0.3);
  });

  it('keeps the first of two that are equal', async () => {
    expect((await validate([0.5, 0.5])).best?.epoch).toBe(1);
  });

  it('takes the least of end-point errors', async () => {
    expect((await validate([9, 4, 6], {name: 'EPE'})).best).toMatchObject({epoch: 2, figure: 4});
  });

  it('goes on from the best of an earlier run', async () => {
    const best = {step: 3, epoch: 1, figure: 0.9};
    expect((await validate([0.5], {best})).best).toEqual(best);
  });

  it('takes 0 as a figure, and -1 as none', async () => {
    expect((await validate([-1])).best).toBeNull();
    expect((await validate([0])).best?.figure).toBe(0);
  });

  it('comes after so many epochs, and after the last', async () => {
    await validate([0.1, 0.2, 0.3], {every: 2, epochs: 5});
    expect(readMetrics(join(folder, 'metrics.jsonl')).map(({epoch}) => epoch)).toEqual([2, 4, 5]);
  });

  it('leaves its results and figures', async () => {
    await validate([0.1, 0.2]);
    expect(readJson('results/keypoints_val_results.json')).toEqual([{score: 0.2}]);
    expect(readJson('eval.json')).toEqual({AP: 0.2, perKeypoint: {nose: {OKS: 0.2}}});
    expect(readMetrics(join(folder, 'metrics.jsonl')).at(-1)).toMatchObject({
      type: 'eval',
      AP: 0.2,
      step: 20,
    });
  });

  it('prints its table each time, and a note once', async () => {
    await validate([0.1, 0.2], {note: (figure) => `no person is large, but ${figure}`});
    expect(printed.match(/^epoch \d/gm)).toEqual(['epoch 1', 'epoch 2']);
    expect(printed.match(/no person is large/g)).toHaveLength(1);
  });
});
