/** @file When checkpoints are saved, which are kept, and what a disk that fails does to a run. */
import {existsSync} from 'node:fs';
import {mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {readPointer} from '../../../src/checkpoint/retention.js';
import type {StateDict} from '../../../src/checkpoint/stateDict.js';
import {type Best, CheckpointHook, openCheckpoints} from '../../../src/train/hooks/checkpoint.js';

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

const model: StateDict = new Map([['w', {dtype: 'F32', shape: [2], data: Float32Array.of(1, 2)}]]);
const warn = (line: string) => void warnings.push(line);

function makeHook(keep = 2): CheckpointHook {
  const contents = () => ({model, state: {seed: 1}});
  return new CheckpointHook({folder, keep, contents, best: () => best, warn});
}

const at = (step: number) => ({step, epoch: 1, nextBatch: 0});

describe('a checkpoint hook', () => {
  it('keeps the newest and the best, and points at both', async () => {
    const hook = makeHook();
    for (let step = 1; step <= 4; step++) {
      if (step === 1) best = {step, epoch: 1, figure: 0.5};
      await hook.save(at(step));
    }
    const steps = (await readdir(folder)).filter((name) => name.startsWith('step-')).sort();
    expect(steps).toEqual(['step-00000001', 'step-00000003', 'step-00000004']);
    expect((await readPointer(folder, 'last'))?.step).toBe(4);
    expect((await readPointer(folder, 'best'))?.step).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('saves the progress with what it is given, to be found again', async () => {
    await makeHook().save({step: 7, epoch: 2, nextBatch: 3});
    const found = await openCheckpoints(folder, warn);
    expect(found?.state).toEqual({seed: 1, step: 7, epoch: 2, nextBatch: 3});
    expect(found?.model).toEqual(model);
  });

  it('does not save a step twice', async () => {
    let snapshots = 0;
    const contents = () => {
      snapshots++;
      return {model, state: {}};
    };
    const hook = new CheckpointHook({folder, keep: 2, contents, best: () => null, warn});
    await hook.save(at(5));
    await hook.save(at(5));
    expect(snapshots).toBe(1);
  });

  it('finds nothing where nothing was saved', async () => {
    expect(await openCheckpoints(folder, warn)).toBeNull();
  });
});

describe('a disk that takes no checkpoint', () => {
  // A file where the folder should be fails for every user, root included.
  const block = () => writeFile(folder, '');
  const mend = () => rm(folder);

  it('is warned of, and the next save is tried as if nothing had been', async () => {
    await block();
    const hook = makeHook();
    await hook.save(at(1));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^No checkpoint was saved at step 1; the training goes on\./);
    await mend();
    await hook.save(at(1));
    expect(existsSync(join(folder, 'step-00000001'))).toBe(true);
  });

  it('ends the run at the third failure in a row', async () => {
    await block();
    const hook = makeHook();
    await hook.save(at(1));
    await hook.save(at(2));
    await expect(hook.save(at(3))).rejects.toMatchObject({kind: 'storage'});
  });

  it('may fail twice and again, if it works between', async () => {
    const hook = makeHook();
    for (const step of [0, 10]) {
      await block();
      await hook.save(at(step + 1));
      await hook.save(at(step + 2));
      await mend();
      await hook.save(at(step + 3));
      await rm(folder, {recursive: true});
    }
    expect(warnings).toHaveLength(4);
  });
});
