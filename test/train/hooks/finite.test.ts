/** @file What becomes of a run whose steps are not finite: stop, skip, rollback, and the dump. */
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {LoadedBatch, Person} from '../../../src/data/types.js';
import {UserError} from '../../../src/errors.js';
import {FiniteHook, type FiniteHookOptions} from '../../../src/train/hooks/finite.js';
import {type Progress, Run, type StepOutcome} from '../../../src/train/trainer.js';
import type {NonFinite} from '../../../src/train/updater.js';
import {OUTCOME} from '../steps.js';

const STEPS = 8;
const BAD: StepOutcome = {...OUTCOME, loss: Number.NaN, gradNorm: Number.POSITIVE_INFINITY, skipped: true};
const sample = {index: 1, flipped: true, region: {center: [3, 4], size: [5, 6], rotation: 7}} as const;

const PROBLEM: NonFinite = {
  batches: [{loss: Number.NaN, samples: [{...sample, index: 0}, sample]}],
  gradientNorms: new Map([
    ['conv1.weight', Number.POSITIVE_INFINITY],
    ['head.bias', 0.5],
  ]),
  diagnosis: {inputs: {images: [1], targets: [], weights: []}, state: [], firstBadLayer: 'conv1'},
};

const PEOPLE = [11, 12].map(
  (annotationId, i): Person => ({
    ...{annotationId, imageId: i + 1, imageFile: `${i + 1}.jpg`, box: [0, 0, 1, 1], score: 1, keypoints: []},
  }),
);

let folder: string;
let events: unknown[];
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finite-'));
  [events, warnings] = [[], []];
});
afterEach(() => rmSync(folder, {recursive: true}));

/**
 * Trains, with steps (counted from 0) that are bad.
 * @returns the steps that were carried out, in order
 */
async function train(
  config: FiniteHookOptions['config'],
  isBad: (step: number) => boolean,
  changes: Partial<FiniteHookOptions> = {},
): Promise<{steps: number[]; hook: FiniteHook; error: unknown}> {
  const steps: number[] = [];
  const hook = new FiniteHook({
    ...{config, runFolder: folder, seed: 5, people: PEOPLE},
    metrics: {append: (event) => void events.push(event)},
    warn: (line) => void warnings.push(line),
    saveStart: async () => {},
    rollBack: async () => {
      throw new Error('not expected');
    },
    ...changes,
  });
  const run = new Run({
    epochs: 1,
    source: {
      batchesPerEpoch: STEPS,
      async *batches(_epoch, start) {
        for (let at = start; at < STEPS; at++)
          yield {
            samples: [],
            replaced: [],
            work: {total: 0, reading: 0, decoding: 0, drawing: 0},
          } as unknown as LoadedBatch;
      },
    },
    update: (_batch, step) => {
      if (hook.leavesOut(step)) return {...BAD};
      if (isBad(step)) {
        hook.note(PROBLEM);
        return BAD;
      }
      steps.push(step);
      return OUTCOME;
    },
    hooks: [hook],
  });
  const error = await run.train().then(
    () => null,
    (error: unknown) => error,
  );
  return {steps, hook, error};
}

const dump = (step: number) =>
  JSON.parse(readFileSync(join(folder, `nonfinite/step-0000000${step}.json`), 'utf8'));

describe('stop', () => {
  it('ends the run, with what is needed to find out why', async () => {
    const {steps, error} = await train({policy: 'stop', limit: 3}, (step) => step === 2);
    expect(steps).toEqual([0, 1]);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(4);
    const file = join(folder, 'nonfinite/step-00000003.json');
    expect((error as UserError).message).toMatch(
      /^The loss became NaN at step 3; the weights were left as they were/,
    );
    expect((error as UserError).message).toContain(file);
    expect((error as UserError).message).toMatch(/train.optimizer.learningRate/);
    const region = sample.region;
    const people = [0, 1].map((i) => ({
      ...{index: i, annotationId: 11 + i, imageId: 1 + i, imageFile: `${1 + i}.jpg`, flipped: true, region},
    }));
    expect(dump(3)).toEqual({
      ...{
        step: 3,
        epoch: 0,
        seed: 5,
        learningRate: 1,
        loss: 'NaN',
        gradNorm: 'Infinity',
        firstBadLayer: 'conv1',
      },
      notFinite: {state: [], images: [people[1]], targets: [], targetWeights: []},
      batches: [{loss: 'NaN', samples: people}],
      gradientNorms: {'conv1.weight': 'Infinity', 'head.bias': 0.5},
    });
  });

  it('does nothing to a run that is sound', async () => {
    const {steps, error} = await train({policy: 'stop', limit: 3}, () => false);
    expect([steps.length, error, events, warnings]).toEqual([STEPS, null, [], []]);
  });
});

describe('skip', () => {
  it('goes on over as many bad steps in a row as it may', async () => {
    const {steps, error} = await train({policy: 'skip', limit: 3}, (step) => [1, 2, 3, 5, 6].includes(step));
    expect([steps, error]).toEqual([[0, 4, 7], null]);
    expect(warnings).toHaveLength(5);
    expect(warnings[0]).toMatch(/at step 2; .*The batch is left out\.$/);
    expect(events[0]).toEqual({
      type: 'nonFinite',
      step: 2,
      epoch: 0,
      loss: Number.NaN,
      gradNorm: Number.POSITIVE_INFINITY,
    });
  });

  it('stops at one more', async () => {
    const {steps, error} = await train({policy: 'skip', limit: 3}, (step) => step >= 1);
    expect(steps).toEqual([0]);
    expect(error).toMatchObject({exitCode: 4, message: expect.stringMatching(/the 4th such step in a row/)});
  });

  it('goes on counting after a resume', async () => {
    const first = await train({policy: 'skip', limit: 3}, (step) => step >= 6);
    expect(first.hook.state).toEqual({inARow: 2, rollbacks: 0, leftOut: []});
    const {error} = await train({policy: 'skip', limit: 3}, (step) => step < 2, {state: first.hook.state});
    expect(error).toMatchObject({message: expect.stringMatching(/the 4th such step in a row/)});
  });
});

describe('rollback', () => {
  const to = (step: number): Progress => ({step, epoch: 0, nextBatch: step});

  it('goes back, and leaves out the bad step and the one before it', async () => {
    const {steps, hook, error} = await train({policy: 'rollback', limit: 2}, (step) => step === 5, {
      rollBack: async () => to(2),
    });
    expect([steps, error]).toEqual([[0, 1, 2, 3, 4, 2, 3, 6, 7], null]);
    expect(hook.state).toEqual({inARow: 0, rollbacks: 1, leftOut: [4, 5]});
    expect(warnings).toEqual([
      expect.stringMatching(/back to its checkpoint of step 2 and leaves out steps 5 to 6\.$/),
    ]);
  });

  it('saves the start, so that the first steps have something to go back to', async () => {
    const saved: number[] = [];
    const saveStart = async ({progress}: Run) => void saved.push(progress.step);
    const policy = {policy: 'rollback', limit: 2} as const;
    const {steps} = await train(policy, (step) => step === 0, {saveStart, rollBack: async () => to(0)});
    expect(saved).toEqual([0]);
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('ends the run when it was needed too often', async () => {
    const {error, hook} = await train({policy: 'rollback', limit: 2}, (step) => step > 3, {
      rollBack: async () => to(3),
    });
    expect(error).toMatchObject({exitCode: 4, message: expect.stringMatching(/It was the 3rd time/)});
    expect(hook.state.rollbacks).toBe(3);
  });
});
