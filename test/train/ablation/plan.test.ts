import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeEach, describe, expect, it} from 'vitest';
import {dumpConfig} from '../../../src/config/format.js';
import {readMatrix} from '../../../src/config/matrix.js';
import {type PlannedRun, planRuns, progressOf} from '../../../src/train/ablation/plan.js';
import {ConfigFolder, SMALLEST} from '../../config/folder.js';

const folder = new ConfigFolder();
afterAll(() => folder.remove());

const cfg = folder.write('base.yaml', SMALLEST);
const matrix = readMatrix(
  folder.write('m.yaml', 'axes: {sigma: {key: model.head.sigma, values: [2, 3]}}\nseeds: [4]\n'),
);
const plan = (...overrides: string[]) =>
  planRuns(cfg, [`output=${folder.path}/output`, 'train.epochs=2', ...overrides], matrix);

describe('the runs of a matrix', () => {
  it('have the configuration of the recipe, the command line and their variants', () => {
    const {runs, folder: above} = plan('train.batchSize=5', 'name=x');
    expect(above).toBe(join(folder.path, 'output/x'));
    expect(runs.map((run) => run.folder)).toEqual(
      ['sigma2-seed4', 'sigma3-seed4'].map((name) => join(above, name)),
    );
    expect(runs[1].config).toMatchObject({
      ...{name: 'sigma3-seed4', output: above, seed: 4},
      ...{model: {head: {sigma: 3}}, train: {batchSize: 5}},
    });
  });

  it('are refused with the line of the matrix where a value does not fit', () => {
    const wrong = readMatrix(folder.write('wrong.yaml', 'axes:\n  a:\n    x: {model.head.sigma: -1}\n'));
    expect(() => planRuns(cfg, [], wrong)).toThrow(/wrong\.yaml:3: "model\.head\.sigma" is -1: /);
  });
});

describe('how far a run has come', () => {
  const [run] = plan().runs;
  beforeEach(() => rmSync(run.folder, {recursive: true, force: true}));

  /** Leaves behind what a run does: its checkpoint after so many steps, validations after [epoch, step]. */
  function leave(
    of: PlannedRun,
    step: number | null,
    evaluations: readonly [epoch: number, step: number][],
  ): void {
    mkdirSync(join(run.folder, 'checkpoints'), {recursive: true});
    writeFileSync(join(run.folder, 'config.yaml'), dumpConfig(of.config));
    if (step !== null) mkdirSync(join(run.folder, `checkpoints/step-${String(step).padStart(8, '0')}`));
    const lines = evaluations.map(([epoch, at]) =>
      JSON.stringify({type: 'eval', step: at, epoch, AP: epoch / 10}),
    );
    writeFileSync(join(run.folder, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
  }

  const finished = {kind: 'finished', figures: {AP: 0.2}};
  const cases: [title: string, step: number | null, evaluations: [number, number][], progress: object][] = [
    ['begun before its first checkpoint', null, [], {kind: 'begun'}],
    ['begun after one epoch of two', 3, [[1, 3]], {kind: 'begun'}],
    [
      'begun when the weights of the last validation were not saved',
      3,
      [
        [1, 3],
        [2, 6],
      ],
      {kind: 'begun'},
    ],
    [
      'finished after the last epoch',
      6,
      [
        [1, 3],
        [2, 6],
      ],
      finished,
    ],
    [
      'in the way after more epochs',
      9,
      [
        [2, 6],
        [3, 9],
      ],
      {kind: 'other', changes: ['train.epochs: 3 → 2']},
    ],
  ];
  it.each(cases)('is %s', async (_, step, evaluations, progress) => {
    leave(run, step, evaluations);
    expect(await progressOf(run)).toEqual(progress);
  });

  it('is new where there is nothing', async () => {
    expect(await progressOf(run)).toEqual({kind: 'new'});
  });

  it('is in the way with settings that teach it something else', async () => {
    leave(plan('train.optimizer.learningRate=0.1').runs[0], 6, [[2, 6]]);
    expect(await progressOf(run)).toEqual({
      kind: 'other',
      changes: ['train.optimizer.learningRate: 0.1 → 0.001'],
    });
  });

  it('does not depend on the machine, or on how often is logged', async () => {
    leave(plan('threads=3', 'loader.workers=0', 'train.logEvery=1').runs[0], 6, [[2, 6]]);
    expect(await progressOf(run)).toEqual(finished);
  });
});
