/** @file When checkpoints are saved, which are kept, and what a disk that fails does to a run. */
import {existsSync} from 'node:fs';
import {mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {readPointer, writePointer} from '../../../src/checkpoint/retention.js';
import {runSaveJob} from '../../../src/checkpoint/saveJob.js';
import type {StateDict} from '../../../src/checkpoint/stateDict.js';
import {parseCadence} from '../../../src/train/hooks/cadence.js';
import {type Best, CheckpointHook, type CheckpointHookOptions} from '../../../src/train/hooks/checkpoint.js';
import {openCheckpoints} from '../../../src/train/openCheckpoints.js';
import {type Progress, Run} from '../../../src/train/trainer.js';
import {OUTCOME} from '../steps.js';

let root: string;
let folder: string;
let warnings: string[];
let best: Best | null;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'checkpoint-hook-'));
  folder = join(root, 'checkpoints');
  warnings = [];
  best = null;
});
afterEach(() => rm(root, {recursive: true}));

const model = (): StateDict => new Map([['w', {dtype: 'F32', shape: [2], data: Float32Array.of(1, 2)}]]);
const warn = (line: string) => void warnings.push(line);

const STATE = {best: null, metricsOffset: 0, config: {}, data: {}, machine: {}};

/** Saves in this thread, without a pause before its second try, unless `changes` say otherwise. */
function makeHook(changes: Partial<CheckpointHookOptions> = {}): CheckpointHook {
  return new CheckpointHook({
    ...{folder, keep: 2, every: {count: 1, unit: 'epoch'}, resumedStep: null, best: () => best, warn},
    contents: () => ({model: model(), state: STATE}),
    carryOut: (job, tell) => runSaveJob({...job, retryMilliseconds: 0}, tell),
    ...changes,
  });
}

async function save(hook: CheckpointHook, progress: Progress): Promise<void> {
  await hook.save(progress);
  await hook.settled();
}

const at = (step: number) => ({step, epoch: 1, nextBatch: 0});

/** The steps that are on the disk. */
const saved = async () => (await readdir(folder)).filter((name) => name.startsWith('step-')).sort();

/** A run of epochs of four steps that stands at `progress`. */
function runAt(progress: Progress): Run {
  const source = {batchesPerEpoch: 4, batches: async function* () {}};
  const update = () => OUTCOME;
  return new Run({epochs: 10, source, update, hooks: [], progress});
}

describe('a checkpoint hook', () => {
  it('keeps the newest and the best, and points at both', async () => {
    const hook = makeHook();
    for (let step = 1; step <= 4; step++) {
      if (step === 1) best = {step, epoch: 1, figure: 0.5};
      await save(hook, at(step));
    }
    expect(await saved()).toEqual(['step-00000001', 'step-00000003', 'step-00000004']);
    expect((await readPointer(folder, 'last'))?.step).toBe(4);
    expect((await readPointer(folder, 'best'))?.step).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('saves the progress with what it is given, to be found again', async () => {
    await save(makeHook(), {step: 7, epoch: 2, nextBatch: 3});
    const found = await openCheckpoints(folder, warn);
    expect(found?.state).toEqual({...STATE, step: 7, epoch: 2, nextBatch: 3});
    expect(found?.model).toEqual(model());
  });

  it('does not save a step twice', async () => {
    let snapshots = 0;
    const contents = () => {
      snapshots++;
      return {model: model(), state: {}};
    };
    const hook = makeHook({contents});
    await save(hook, at(5));
    await save(hook, at(5));
    expect(snapshots).toBe(1);
  });

  it('finds nothing where nothing was saved', async () => {
    expect(await openCheckpoints(folder, warn)).toBeNull();
  });
});

describe('pointers that an interruption left behind', () => {
  it('are put right when the run goes on', async () => {
    best = {step: 1, epoch: 1, figure: 0.5};
    const contents = () => ({model: model(), state: {...STATE, best: best && {...best}}});
    const hook = makeHook({contents, keep: 9});
    for (const step of [1, 2, 3]) await save(hook, at(step));
    await writePointer(folder, 'last', 2);
    await rm(join(folder, 'best'));
    await openCheckpoints(folder, warn);
    expect((await readPointer(folder, 'last'))?.step).toBe(3);
    expect((await readPointer(folder, 'best'))?.step).toBe(1);

    // The newest is damaged and set aside: it is not the last one any more.
    await writeFile(join(folder, 'step-00000003', 'model.safetensors'), '');
    await openCheckpoints(folder, warn);
    expect((await readPointer(folder, 'last'))?.step).toBe(2);
  });
});

describe('the moments of a save', () => {
  const moments: [every: string | number, steps: string[]][] = [
    [1, ['step-00000004', 'step-00000008']],
    ['2 epochs', ['step-00000008']],
    ['3 steps', ['step-00000003', 'step-00000006']],
    ['4 steps', ['step-00000004', 'step-00000008']],
    ['90 minutes', []],
  ];

  it.each(moments)('are, with %s, after the steps %j', async (every, steps) => {
    const hook = makeHook({every: parseCadence(every), keep: 9});
    for (let step = 1; step <= 8; step++) {
      const epoch = Math.floor((step - 1) / 4);
      await hook.afterStep(runAt({step, epoch, nextBatch: step - 4 * epoch}));
      if (step % 4 === 0) await hook.afterEpoch(runAt({step, epoch: epoch + 1, nextBatch: 0}));
    }
    await hook.settled();
    expect(existsSync(folder) ? await saved() : []).toEqual(steps);
  });

  it('come again after so many minutes', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    const hook = makeHook({every: parseCadence('15 minutes')});
    for (const [step, minutes] of [14, 15, 29, 31].entries()) {
      clock.mockReturnValue(minutes * 60_000);
      await hook.afterStep(runAt({step, epoch: 0, nextBatch: 1}));
    }
    clock.mockRestore();
    await hook.settled();
    expect(await saved()).toEqual(['step-00000001', 'step-00000003']);
  });

  it('are also after the best validation and the last epoch', async () => {
    const hook = makeHook({every: parseCadence('100 epochs'), keep: 9});
    best = {step: 8, epoch: 2, figure: 0.5};
    for (const epoch of [1, 2, 3, 10]) await hook.afterEpoch(runAt({step: 4 * epoch, epoch, nextBatch: 0}));
    await hook.settled();
    expect(await saved()).toEqual(['step-00000008', 'step-00000040']);
  });
});

describe('a save under way', () => {
  it('is waited for by the next one, and holds what the run was when it began', async () => {
    const order: string[] = [];
    let release = () => {};
    const hook = makeHook({
      carryOut: async ({step, contents}) => {
        order.push(`begin ${step} as ${contents?.state.step}`);
        if (step === 1)
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        order.push(`end ${step}`);
      },
    });
    const progress = at(1);
    await hook.save(progress);
    progress.step = 2;
    const second = hook.save(progress);
    await new Promise((resolve) => setTimeout(resolve, 5));
    release();
    await second;
    await hook.settled();
    expect(order).toEqual(['begin 1 as 1', 'end 1', 'begin 2 as 2', 'end 2']);
  });

  it('runs in a thread, which takes over the memory of the snapshot', async () => {
    const contents = {model: model(), state: STATE};
    const hook = makeHook({contents: () => contents, carryOut: undefined});
    await save(hook, at(1));
    expect(contents.model.get('w')?.data).toHaveLength(0);
    expect((await openCheckpoints(folder, warn))?.model).toEqual(model());
  });

  it('tells of a disk that fails, from its thread', async () => {
    await writeFile(folder, '');
    const hook = makeHook({carryOut: undefined});
    await save(hook, at(1));
    expect(warnings).toEqual([expect.stringMatching(/^No checkpoint was saved at step 1; .*checkpoints/)]);
  });

  it('ends the run when it meets a bug', async () => {
    const hook = makeHook({carryOut: () => Promise.reject(new TypeError('oops'))});
    await hook.save(at(1));
    await expect(hook.settled()).rejects.toThrow(TypeError);
  });

  it('of the step from which the run goes on only moves the pointers', async () => {
    await save(makeHook(), at(4));
    best = {step: 4, epoch: 1, figure: 0.5};
    const contents = () => {
      throw new Error('no snapshot is needed');
    };
    await save(makeHook({resumedStep: 4, contents}), at(4));
    expect((await readPointer(folder, 'best'))?.step).toBe(4);
    expect(warnings).toEqual([]);
  });
});

describe('a disk that takes no checkpoint', () => {
  // A file where the folder should be fails for every user, root included.
  const block = () => writeFile(folder, '');
  const mend = () => rm(folder);

  it('is warned of, and the next save is tried as if nothing had been', async () => {
    await block();
    const hook = makeHook();
    await save(hook, at(1));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^No checkpoint was saved at step 1; the training goes on\./);
    await mend();
    await save(hook, at(1));
    expect(existsSync(join(folder, 'step-00000001'))).toBe(true);
  });

  it('ends the run at the step after the third failure in a row', async () => {
    await block();
    const hook = makeHook();
    await save(hook, at(1));
    await save(hook, at(2));
    await hook.save(at(3));
    await hook.idle();
    const next = hook.afterStep(runAt({step: 4, epoch: 0, nextBatch: 2}));
    await expect(next).rejects.toMatchObject({
      kind: 'storage',
      message: expect.stringMatching(
        /^3 saves in a row failed, the last at step 3: the run ends\. .*checkpoints/,
      ),
    });
    expect(warnings).toHaveLength(2);
  });

  it('ends the run when it has failed for an hour', async () => {
    await block();
    const hook = makeHook();
    await save(hook, at(1));
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 61 * 60_000);
    await expect(save(hook, at(2))).rejects.toMatchObject({kind: 'storage'});
    clock.mockRestore();
  });

  it('is no end for a run that is done: what was trained last would be lost', async () => {
    await block();
    const hook = makeHook();
    await hook.save(at(1));
    await expect(hook.afterTraining()).rejects.toThrow(/: the run's last state could not be saved\. /);
  });

  it('is asked a second time before a save counts as failed', async () => {
    await block();
    const carryOut: CheckpointHookOptions['carryOut'] = (job, tell) => {
      const ended = runSaveJob({...job, retryMilliseconds: 50}, tell);
      setTimeout(() => void mend(), 10);
      return ended;
    };
    await save(makeHook({carryOut}), at(1));
    expect(warnings).toEqual([]);
    expect(await saved()).toEqual(['step-00000001']);
  });

  it('may fail twice and again, if it works between', async () => {
    const hook = makeHook();
    for (const step of [0, 10]) {
      await block();
      await save(hook, at(step + 1));
      await save(hook, at(step + 2));
      await mend();
      await save(hook, at(step + 3));
      await rm(folder, {recursive: true});
    }
    expect(warnings).toHaveLength(4);
  });
});
