import {createHash} from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {FormatError} from '../../src/checkpoint/formatError.js';
import {loadCheckpoint, loadNewestCheckpoint} from '../../src/checkpoint/load.js';
import {encodeManifest, parseManifest} from '../../src/checkpoint/manifest.js';
import {readPointer, writePointer} from '../../src/checkpoint/retention.js';
import {type CheckpointContents, saveCheckpoint} from '../../src/checkpoint/save.js';
import type {HostTensor} from '../../src/checkpoint/stateDict.js';
import {dictOfStep, floats, systemError, temporaryFolder, userErrorOf, watchedOps} from './builders.js';

const contents = (step: number): CheckpointContents => ({
  model: dictOfStep(step),
  ema: dictOfStep(step),
  optimizer: dictOfStep(step),
  state: {step},
});

/** A run's folder with complete checkpoints of these steps. */
async function runWith(...steps: number[]): Promise<string> {
  const folder = temporaryFolder();
  for (const step of steps) await saveCheckpoint(folder, step, contents(step));
  return folder;
}

const unexpected = (message: string) => {
  throw new Error(`unexpected warning: ${message}`);
};

/** Damages step 2, and expects that it is set aside with one warning, and step 1 loaded. */
async function expectFallback(folder: string, ...mentioned: string[]): Promise<void> {
  const messages: string[] = [];
  const found = await loadNewestCheckpoint(folder, (message) => messages.push(message));
  expect(found?.step).toBe(1);
  expect(found?.model).toEqual(dictOfStep(1));
  expect(readdirSync(folder).sort()).toEqual(['step-00000001', 'step-00000002.corrupt']);
  expect(messages.length).toBe(1);
  for (const text of [...mentioned, 'step-00000002.corrupt']) expect(messages[0]).toContain(text);
}

const FILES = [
  'model.safetensors',
  'ema.safetensors',
  'optimizer.safetensors',
  'state.json',
  'MANIFEST.json',
];

describe('loading the newest checkpoint', () => {
  it('gives null for a run that never saved one', async () => {
    expect(await loadNewestCheckpoint(join(temporaryFolder(), 'none'), unexpected)).toBeNull();
    expect(await loadNewestCheckpoint(temporaryFolder(), unexpected)).toBeNull();
  });

  it.each(FILES)('falls back when %s is deleted', async (name) => {
    const folder = await runWith(1, 2);
    rmSync(join(folder, 'step-00000002', name));
    await expectFallback(folder, `${name}: is missing`);
  });

  it.each(FILES)('falls back when %s is cut at any sixteenth of its length', async (name) => {
    const original = await runWith(1, 2);
    const {length} = readFileSync(join(original, 'step-00000002', name));
    for (let part = 0; part < 16; part++) {
      const folder = temporaryFolder();
      cpSync(original, folder, {recursive: true});
      truncateSync(join(folder, 'step-00000002', name), Math.floor((part * length) / 16));
      await expectFallback(folder, `step-00000002/${name}: `);
    }
  });

  it('says how long a file is and should be', async () => {
    const folder = await runWith(1, 2);
    const path = join(folder, 'step-00000002', 'model.safetensors');
    const {length} = readFileSync(path);
    truncateSync(path, length - 1);
    await expectFallback(folder, `has ${length - 1} bytes, not the ${length} that were written`);
  });

  it.each(FILES.slice(0, 4))('notices any flipped bit in %s, and names both hashes', async (name) => {
    const folder = await runWith(2);
    const path = join(folder, 'step-00000002', name);
    const good = readFileSync(path);
    for (let bit = 0; bit < 8 * good.length; bit += 7) {
      const bytes = Buffer.from(good);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      writeFileSync(path, bytes);
      const error = await userErrorOf(loadCheckpoint(join(folder, 'step-00000002')));
      expect(error.kind).toBe('checkpoint');
      expect(error.message).toMatch(new RegExp(`${name}: is damaged: .* [0-9a-f]{64}, not [0-9a-f]{64}`));
    }
  });

  it('notices every flipped bit in the manifest, and never takes one for another version', async () => {
    const folder = await runWith(2);
    const good = readFileSync(join(folder, 'step-00000002', 'MANIFEST.json'));
    expect(() => parseManifest(good.toString(), 'MANIFEST.json')).not.toThrow();
    const unnoticed: number[] = [];
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bytes = Buffer.from(good);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      try {
        parseManifest(bytes.toString(), 'MANIFEST.json');
        unnoticed.push(bit >> 3);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
    // White space between the tokens may change into other white space, which means the same.
    expect(unnoticed.filter((at) => !/\s/.test(String.fromCharCode(good[at])))).toEqual([]);
  });

  it('falls back from an empty manifest and from that of another step', async () => {
    const empty = await runWith(1, 2);
    writeFileSync(join(empty, 'step-00000002', 'MANIFEST.json'), '');
    await expectFallback(empty, 'MANIFEST.json: is not valid JSON');
    const foreign = await runWith(1, 2);
    cpSync(join(foreign, 'step-00000001'), join(foreign, 'step-00000002'), {recursive: true});
    await expectFallback(foreign, 'belongs to step 1, not to step 2');
  });

  it.each<[string, HostTensor]>([
    ['a NaN', floats(1, Number.NaN)],
    ['an infinity', floats(1, -Infinity)],
    ['a double NaN', {dtype: 'F64', shape: [2], data: Float64Array.of(1, Number.NaN)}],
    ['a half infinity', {dtype: 'F16', shape: [2], data: Uint16Array.of(0x3c00, 0x7c00)}],
    ['a bfloat16 NaN', {dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0xffc0)}],
  ])('falls back from weights with %s', async (_, tensor) => {
    for (const part of ['model', 'ema'] as const) {
      const folder = await runWith(1);
      await saveCheckpoint(folder, 2, {...contents(2), [part]: new Map([['w', tensor]])});
      await expectFallback(folder, `${part}.safetensors: "w" is not finite (element 1)`);
    }
  });

  it('goes back through several damaged ones, and keeps what has been set aside before', async () => {
    const folder = await runWith(1, 2, 3);
    mkdirSync(join(folder, 'step-00000003.corrupt'));
    for (const step of [2, 3]) rmSync(join(folder, `step-0000000${step}`, 'state.json'));
    const messages: string[] = [];
    expect((await loadNewestCheckpoint(folder, (message) => messages.push(message)))?.step).toBe(1);
    expect(messages.length).toBe(2);
    expect(readdirSync(folder)).toContain('step-00000003.corrupt-2');
  });

  it('stops when all are damaged, and deletes nothing', async () => {
    const folder = await runWith(1, 2);
    for (const step of [1, 2]) truncateSync(join(folder, `step-0000000${step}`, 'model.safetensors'), 5);
    const error = await userErrorOf(loadNewestCheckpoint(folder, () => {}));
    expect([error.kind, error.exitCode]).toEqual(['checkpoint', 7]);
    expect(error.message).toContain(`${folder}: all 2 checkpoints are damaged`);
    expect(readdirSync(folder).sort()).toEqual(['step-00000001.corrupt', 'step-00000002.corrupt']);
    expect(readdirSync(join(folder, 'step-00000001.corrupt')).length).toBe(5);
  });

  it('goes on with the one before when a damaged one cannot even be renamed', async () => {
    const folder = await runWith(1, 2);
    rmSync(join(folder, 'step-00000002', 'state.json'));
    const ops = watchedOps(() => {
      throw systemError('EROFS');
    });
    const messages: string[] = [];
    expect((await loadNewestCheckpoint(folder, (message) => messages.push(message), ops))?.step).toBe(1);
    expect(messages[0]).toMatch(/state\.json: is missing.* The checkpoint is passed over/);
  });

  it('orders steps as numbers and passes over everything else', async () => {
    const folder = await runWith(9, 10, 100);
    for (const step of [9, 10, 100])
      renameSync(join(folder, `step-${String(step).padStart(8, '0')}`), join(folder, `step-${step}`));
    symlinkSync(join(folder, 'step-9'), join(folder, 'step-00000999'));
    for (const name of [
      'step-foo',
      'step-',
      'step-00000200.tmp-1-abcdef011',
      'step-1e9',
      'xstep-500',
      'step-200.corrupt',
    ]) {
      mkdirSync(join(folder, name));
    }
    writeFileSync(join(folder, 'step-00000300'), 'a file');
    expect((await loadNewestCheckpoint(folder, unexpected))?.step).toBe(100);
  });

  it('goes by the step, not by dates', async () => {
    const folder = await runWith(1, 2);
    const yesterday = new Date(Date.now() - 86_400_000);
    utimesSync(join(folder, 'step-00000002'), yesterday, yesterday);
    expect((await loadNewestCheckpoint(folder, unexpected))?.step).toBe(2);
  });

  it('goes by the scan, whatever the pointers say', async () => {
    const folder = await runWith(1, 2);
    for (const text of ['step-00000001\n', 'step-00000077\n', '../../etc\n', '']) {
      writeFileSync(join(folder, 'last'), text);
      expect((await loadNewestCheckpoint(folder, unexpected))?.step).toBe(2);
    }
    expect(await readPointer(folder, 'last')).toBeNull();
    expect(await readPointer(folder, 'best')).toBeNull();
    await writePointer(folder, 'best', 1);
    expect(await readPointer(folder, 'best')).toEqual({step: 1, path: join(folder, 'step-00000001')});
  });

  it('stops at a whole checkpoint of another version, and leaves it alone', async () => {
    const folder = await runWith(1, 2);
    const path = join(folder, 'step-00000002', 'MANIFEST.json');
    // Version 2 with the checksum that a later program would give it.
    const content = {anything: true};
    const sha256 = createHash('sha256')
      .update(JSON.stringify([2, content]))
      .digest('hex');
    writeFileSync(path, JSON.stringify({version: 2, sha256, content}));
    const error = await userErrorOf(loadNewestCheckpoint(folder, unexpected));
    expect(error.message).toContain('has format version 2, and this Posecraft reads version 1');
    expect(readdirSync(folder).sort()).toEqual(['step-00000001', 'step-00000002']);
  });
});

describe('loading a checkpoint that is named', () => {
  it('fails for any damage, and renames nothing', async () => {
    const folder = await runWith(1, 2);
    const path = join(folder, 'step-00000002');
    rmSync(join(path, 'ema.safetensors'));
    const error = await userErrorOf(loadCheckpoint(path));
    expect([error.kind, error.message]).toEqual([
      'checkpoint',
      `${join(path, 'ema.safetensors')}: is missing.`,
    ]);
    expect(readdirSync(folder).sort()).toEqual(['step-00000001', 'step-00000002']);
  });

  it('takes a copy under another name', async () => {
    const folder = await runWith(4);
    renameSync(join(folder, 'step-00000004'), join(folder, 'favourite'));
    expect((await loadCheckpoint(join(folder, 'favourite'))).step).toBe(4);
  });

  it('refuses a manifest that is sealed but lists no model', async () => {
    const folder = await runWith(1);
    const path = join(folder, 'step-00000001');
    const manifest = {step: 1, files: {}} as Parameters<typeof encodeManifest>[0];
    writeFileSync(join(path, 'MANIFEST.json'), encodeManifest(manifest));
    expect((await userErrorOf(loadCheckpoint(path))).message).toContain('MANIFEST.json: lacks something');
  });
});
