import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {diskOps} from '../../src/checkpoint/files.js';
import {loadCheckpoint, loadNewestCheckpoint} from '../../src/checkpoint/load.js';
import {sweepTemporaries, writePointer} from '../../src/checkpoint/retention.js';
import {safetensorsSize} from '../../src/checkpoint/safetensors.js';
import {type CheckpointContents, saveCheckpoint} from '../../src/checkpoint/save.js';
import {compiledModule} from '../../src/packagePaths.js';
import {
  dictOfStep,
  floats,
  rejectionOf,
  systemError,
  temporaryFolder,
  userErrorOf,
  watchedOps,
} from './builders.js';

const contents = (step: number): CheckpointContents => ({
  model: dictOfStep(step),
  ema: dictOfStep(step + 100),
  optimizer: new Map([['conv1.weight.moment1', floats(step, -step)]]),
  state: {step, epoch: 1, nextIndex: 3, seed: 7, best: null, config: {name: 'é "quoted"', rates: [1e-3, 2]}},
});

const fail = (message: string) => {
  throw new Error(`unexpected warning: ${message}`);
};

/** The step of the newest checkpoint, which must be complete to the bit. */
async function newestStep(folder: string): Promise<number> {
  const {path, step, ...found} = (await loadNewestCheckpoint(folder, fail))!;
  expect(path).toBe(join(folder, `step-0000000${step}`));
  expect(found).toEqual(contents(step));
  return step;
}

describe('saving a checkpoint', () => {
  it('gives back every array and the state, whether or not all parts are there', async () => {
    const folder = join(temporaryFolder(), 'run', 'checkpoints');
    expect(await saveCheckpoint(folder, 5, contents(5))).toBe(join(folder, 'step-00000005'));
    expect(await newestStep(folder)).toBe(5);
    const path = await saveCheckpoint(folder, 12_345_678_901, {model: dictOfStep(6), state: {}});
    expect(path).toBe(join(folder, 'step-12345678901'));
    expect(await loadCheckpoint(path)).toEqual({
      path,
      step: 12_345_678_901,
      model: dictOfStep(6),
      ema: null,
      optimizer: null,
      state: {},
    });
    expect(readdirSync(path).sort()).toEqual(['MANIFEST.json', 'model.safetensors', 'state.json']);
  });

  it('refuses a state that JSON would change', async () => {
    const state = {best: Number.NaN};
    await expect(saveCheckpoint(temporaryFolder(), 1, {model: dictOfStep(1), state})).rejects.toThrow(
      'best is NaN',
    );
  });

  it('flushes each file before the rename, and the folders on either side of it', async () => {
    const calls: string[] = [];
    await saveCheckpoint(
      temporaryFolder(),
      1,
      contents(1),
      watchedOps((_, name) => calls.push(name)),
    );
    const file = ['create', 'write', 'sync', 'close'];
    const header = ['create', 'write', 'write', 'sync', 'close'];
    expect(calls).toEqual([
      ...['makeFolder', 'freeBytes', 'makeFolder'],
      ...['create', 'write', 'write', 'write', 'sync', 'close'],
      ...['create', 'write', 'write', 'write', 'sync', 'close'],
      ...[...header, ...file, ...file],
      ...['size', 'size', 'size', 'size', 'syncFolder', 'rename', 'syncFolder'],
    ]);
  });

  // "Fails" returns errors and lets the program clean up; "dies" lets nothing happen any more.
  it.each(['fails', 'dies'])(
    'keeps the previous or the new one, wherever it %s, and works when repeated',
    async (how) => {
      const outcomes: number[] = [];
      for (let failing = 0, complete = false; !complete; failing++) {
        const folder = temporaryFolder();
        await saveCheckpoint(folder, 1, contents(1));
        const ops = watchedOps((call) => {
          if (how === 'fails' ? call === failing : call >= failing) throw systemError('EIO');
        });
        const error = await rejectionOf(saveCheckpoint(folder, 2, contents(2), ops));
        complete = error === null;
        if (error !== null) expect(error).toMatchObject({name: 'UserError', kind: 'storage'});
        if (how === 'fails') expect(readdirSync(folder).join()).not.toContain('.tmp');
        outcomes.push(await newestStep(folder));
        await saveCheckpoint(folder, 2, contents(2));
        expect(await newestStep(folder)).toBe(2);
      }
      // Of 35 calls only the last, which makes the rename durable, leaves the new one.
      expect(outcomes).toEqual([...Array(outcomes.length - 2).fill(1), 2, 2]);
      expect(outcomes.length).toBe(35 + 1);
    },
  );

  it('keeps the previous one when the disk fills up in the middle of a file, and saves when there is space', async () => {
    const folder = temporaryFolder();
    await saveCheckpoint(folder, 1, contents(1));
    let left = 100;
    const tightDisk = {
      ...diskOps,
      create: async (path: string) => {
        const file = await diskOps.create(path);
        return {
          ...file,
          write: async (data: Uint8Array) => {
            if (left === 0) throw systemError('ENOSPC');
            const taken = Math.min(left, data.length);
            left -= taken;
            return file.write(data.subarray(0, taken));
          },
        };
      },
    };
    const error = await userErrorOf(saveCheckpoint(folder, 2, contents(2), tightDisk));
    expect(error.message).toMatch(/model\.safetensors: could not be written \(ENOSPC\): the disk is full/);
    expect(readdirSync(folder)).toEqual(['step-00000001']);
    left = 1e9;
    await saveCheckpoint(folder, 2, contents(2), tightDisk);
    expect(await newestStep(folder)).toBe(2);
  });

  it('asks for 1.2 times its size before it writes anything', async () => {
    const folder = temporaryFolder();
    const calls: string[] = [];
    const ops = {...watchedOps((_, name) => calls.push(name)), freeBytes: async () => 100};
    const error = await userErrorOf(saveCheckpoint(folder, 1, contents(1), ops));
    expect(error.kind).toBe('storage');
    expect(error.message).toContain('0.0 MiB');
    expect(calls).not.toContain('create');
    const {model, state} = contents(1);
    const stateBytes = Buffer.byteLength(`${JSON.stringify(state)}\n`);
    const needed = 1.2 * (safetensorsSize(model, new Map([['format', 'pt']])) + stateBytes);
    const withFree = (bytes: number) => ({...diskOps, freeBytes: async () => bytes});
    await userErrorOf(saveCheckpoint(folder, 1, {model, state}, withFree(needed - 1)));
    await saveCheckpoint(folder, 1, {model, state}, withFree(needed + 1));
  });

  it('notices a file that is shorter than what was written', async () => {
    const folder = temporaryFolder();
    const ops = {
      ...diskOps,
      size: async (path: string) => (path.endsWith('state.json') ? 1 : diskOps.size(path)),
    };
    const error = await userErrorOf(saveCheckpoint(folder, 1, contents(1), ops));
    expect(error.message).toContain('has 1 bytes after');
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['EXDEV', 'ENOTEMPTY'])('names the step when its rename fails with %s', async (code) => {
    const folder = temporaryFolder();
    const ops = watchedOps((_, name) => {
      if (name === 'rename') throw systemError(code);
    });
    const error = await userErrorOf(saveCheckpoint(folder, 1, contents(1), ops));
    expect(error.message).toContain(`${join(folder, 'step-00000001')}: could not be written (${code})`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not replace another checkpoint of the same step, but takes an equal one for its own', async () => {
    const folder = temporaryFolder();
    await saveCheckpoint(folder, 1, contents(1));
    await saveCheckpoint(folder, 1, contents(1));
    const error = await userErrorOf(saveCheckpoint(folder, 1, contents(2)));
    expect([error.kind, error.message]).toEqual([
      'storage',
      expect.stringContaining('another checkpoint of this step'),
    ]);
    expect(await newestStep(folder)).toBe(1);
    expect(readdirSync(folder)).toEqual(['step-00000001']);
  });

  it('sets a damaged checkpoint of the same step aside', async () => {
    const folder = temporaryFolder();
    const path = await saveCheckpoint(folder, 1, contents(1));
    writeFileSync(join(path, 'state.json'), '{}');
    await saveCheckpoint(folder, 1, contents(1));
    expect(await newestStep(folder)).toBe(1);
    expect(readdirSync(folder).sort()).toEqual(['step-00000001', 'step-00000001.corrupt']);
  });

  it.skipIf(process.getuid?.() === 0)('says so when the folder may not be written', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    expect((await userErrorOf(saveCheckpoint(folder, 1, contents(1)))).message).toContain('permission');
  });

  it('says so when the folder is a file', async () => {
    const path = join(temporaryFolder(), 'checkpoints');
    writeFileSync(path, '');
    expect((await userErrorOf(saveCheckpoint(path, 1, contents(1)))).kind).toBe('storage');
  });
});

/** Saves step 2 and does what follows a save, in a process that kills itself before its n-th change of the disk. */
const DOOMED = `
  const [folder, victim, files, save, retention] = process.argv.slice(1);
  const {diskOps} = await import(files);
  const {saveCheckpoint} = await import(save);
  const {writePointer, retainCheckpoints} = await import(retention);
  let calls = 0;
  const deadly = (object) => new Proxy(object, {
    get: (target, name) => typeof target[name] !== 'function' ? target[name] : async (...args) => {
      if (calls++ === Number(victim)) process.kill(process.pid, 'SIGKILL');
      const result = await target[name](...args);
      return name === 'create' ? deadly(result) : result;
    },
  });
  const ops = deadly(diskOps);
  const tensor = (value) => ({dtype: 'F32', shape: [2], data: Float32Array.of(value, value)});
  await saveCheckpoint(folder, 2, {model: new Map([['w', tensor(2)]]), state: {step: 2}}, ops);
  await writePointer(folder, 'last', 2, ops);
  await retainCheckpoints(folder, {keep: 1, best: null}, () => {}, ops);
  process.exitCode = 42;
`;

async function runDoomed(folder: string, victim: number): Promise<'killed' | 'done'> {
  const modules = ['files', 'save', 'retention'].map((name) => compiledModule(`checkpoint/${name}`).href);
  const args = ['--input-type=module', '-e', DOOMED, folder, String(victim), ...modules];
  const child = spawn(process.execPath, args, {stdio: ['ignore', 'inherit', 'inherit']});
  const [code, signal] = await once(child, 'exit');
  if (signal === 'SIGKILL') return 'killed';
  expect(code).toBe(42);
  return 'done';
}

describe('a process that is killed (SIGKILL) while it saves', () => {
  it('leaves the previous or the new checkpoint, at every single point, and nothing after the sweep', async () => {
    const seen: number[] = [];
    for (let victim = 0, outcome = 'killed'; outcome === 'killed'; victim++) {
      const folder = temporaryFolder();
      await saveCheckpoint(folder, 1, {model: new Map([['w', floats(1, 1)]]), state: {step: 1}});
      await writePointer(folder, 'last', 1);
      outcome = await runDoomed(folder, victim);
      await sweepTemporaries(folder, fail);
      const {step, model, state} = (await loadNewestCheckpoint(folder, fail))!;
      expect(model).toEqual(new Map([['w', floats(step, step)]]));
      expect(state).toEqual({step});
      expect(readdirSync(folder).filter((name) => !/^(step-0000000[12]|last)$/.test(name))).toEqual([]);
      seen.push(step);
    }
    // First only the old step is there, from the rename on the new one.
    expect(seen).toEqual([...seen].sort());
    expect(seen.length).toBeGreaterThan(25);
  }, 60_000);
});
