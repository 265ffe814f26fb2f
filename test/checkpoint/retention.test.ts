import {existsSync, mkdirSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {temporaryPath} from '../../src/checkpoint/files.js';
import {loadNewestCheckpoint} from '../../src/checkpoint/load.js';
import {retainCheckpoints, sweepTemporaries} from '../../src/checkpoint/retention.js';
import {saveCheckpoint} from '../../src/checkpoint/save.js';
import {deadPid, dictOfStep, systemError, temporaryFolder, watchedOps} from './builders.js';

async function runWith(...steps: number[]): Promise<string> {
  const folder = temporaryFolder();
  for (const step of steps) await saveCheckpoint(folder, step, {model: dictOfStep(step), state: {step}});
  return folder;
}

const unexpected = (message: string) => {
  throw new Error(`unexpected warning: ${message}`);
};
const stepsIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /^step-\d+$/.test(name))
    .map((name) => Number(name.slice(5)))
    .sort((a, b) => a - b);

describe('keeping checkpoints', () => {
  it.each([
    [2, null, [4, 10]],
    [2, 1, [1, 4, 10]],
    [1, 10, [10]],
    [9, null, [1, 2, 3, 4, 10]],
    [0, null, [10]],
    [1, 77, [10]],
  ])('keeps the newest %i and the best (%s): %j', async (keep, best, kept) => {
    const folder = await runWith(1, 2, 3, 4, 10);
    await retainCheckpoints(folder, {keep, best}, unexpected);
    expect(stepsIn(folder)).toEqual(kept);
    expect(readdirSync(folder).length).toBe(kept.length);
  });

  it('never deletes the newest one that is whole, whatever is damaged after it', async () => {
    const folder = await runWith(1, 2, 3, 4);
    rmSync(join(folder, 'step-00000004', 'model.safetensors'));
    writeFileSync(join(folder, 'step-00000003', 'MANIFEST.json'), '');
    await retainCheckpoints(folder, {keep: 1, best: null}, unexpected);
    expect(stepsIn(folder)).toEqual([2, 3, 4]);
  });

  it('deletes nothing where none is whole', async () => {
    const folder = await runWith(1, 2);
    for (const step of [1, 2]) rmSync(join(folder, `step-0000000${step}`, 'state.json'));
    await retainCheckpoints(folder, {keep: 1, best: null}, unexpected);
    expect(stepsIn(folder)).toEqual([1, 2]);
  });

  it.each(['rename', 'remove'])('warns and goes on when the %s of one fails', async (failing) => {
    const folder = await runWith(1, 2, 3);
    let failures = 0;
    const ops = watchedOps((_, name) => {
      if (name === failing && failures++ === 0) throw systemError('EACCES');
    });
    const messages: string[] = [];
    await retainCheckpoints(folder, {keep: 1, best: null}, (message) => messages.push(message), ops);
    expect(messages).toEqual([
      expect.stringMatching(/step-00000002: an old checkpoint could not be deleted/),
    ]);
    expect(existsSync(join(folder, 'step-00000001'))).toBe(false);
    expect((await loadNewestCheckpoint(folder, unexpected))?.step).toBe(3);
  });
});

describe('sweeping', () => {
  it('removes what dead processes left, and nothing of the living or of this one', async () => {
    const folder = await runWith(1);
    const own = temporaryPath(join(folder, 'step-00000002'));
    const names = {
      dead: `step-00000003.tmp-${deadPid()}-0123abcd7`,
      namesake: `last.tmp-${process.pid}-000000001`,
      living: `step-00000004.tmp-${process.ppid}-0123abcd7`,
      stranger: 'notes.tmp-1',
    };
    for (const name of Object.values(names)) mkdirSync(join(folder, name));
    mkdirSync(own);
    writeFileSync(join(folder, names.dead, 'model.safetensors'), 'half');
    await sweepTemporaries(folder, unexpected);
    expect(
      readdirSync(folder)
        .map((name) => join(folder, name))
        .sort(),
    ).toEqual(
      [own, ...['step-00000001', names.living, names.stranger].map((name) => join(folder, name))].sort(),
    );
  });

  it('warns of what it cannot remove, and has nothing to do in a folder that is missing', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, `step-00000003.tmp-${deadPid()}-0123abcd7`));
    const ops = watchedOps(() => {
      throw systemError('EACCES');
    });
    const messages: string[] = [];
    await sweepTemporaries(folder, (message) => messages.push(message), ops);
    expect(messages).toEqual([expect.stringContaining('could not be deleted')]);
    await sweepTemporaries(join(folder, 'none'), unexpected);
  });
});
