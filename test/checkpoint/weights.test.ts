import {copyFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {writePointer} from '../../src/checkpoint/retention.js';
import {encodeSafetensors} from '../../src/checkpoint/safetensors.js';
import {saveCheckpoint} from '../../src/checkpoint/save.js';
import {loadWeights} from '../../src/checkpoint/weights.js';
import {
  dictOfStep,
  float32Bytes,
  floats,
  pickle,
  pthEntries,
  temporaryFile,
  temporaryFolder,
  tensorPickle,
  userErrorOf,
  zip,
} from './builders.js';

const model = dictOfStep(1);

describe('loading weights', () => {
  it('reads safetensors and .pth files by their content, whatever their names', async () => {
    const program = pickle.program(pickle.dict([['w', tensorPickle({count: 2, shape: [2], strides: [1]})]]));
    const pth = zip(pthEntries(program, {'0': float32Bytes([1, 2])}));
    for (const name of ['w.pth', 'w.pt', 'w.bin']) {
      expect(await loadWeights(temporaryFile(name, pth))).toEqual(new Map([['w', floats(1, 2)]]));
    }
    expect(await loadWeights(temporaryFile('w.safetensors', encodeSafetensors(model)))).toEqual(model);
    expect(await loadWeights(temporaryFile('w.bin', encodeSafetensors(model)))).toEqual(model);
  });

  it('reads a checkpoint folder, its averaged weights first, a file of one, and the pointers', async () => {
    const folder = temporaryFolder();
    const path = await saveCheckpoint(folder, 1, {model, ema: dictOfStep(2), state: {}});
    await saveCheckpoint(folder, 3, {model: dictOfStep(3), state: {}});
    await writePointer(folder, 'best', 1);
    await writePointer(folder, 'last', 3);
    expect(await loadWeights(path)).toEqual(dictOfStep(2));
    expect(await loadWeights(join(path, 'ema.safetensors'))).toEqual(dictOfStep(2));
    expect(await loadWeights(join(path, 'model.safetensors'))).toEqual(model);
    expect(await loadWeights(join(folder, 'best'))).toEqual(dictOfStep(2));
    expect(await loadWeights(join(folder, 'last'))).toEqual(dictOfStep(3));
  });

  it('names what is missing', async () => {
    const folder = temporaryFolder();
    for (const path of [join(folder, 'none.pth'), join(folder, 'none'), join(folder, 'a.pth', 'b')]) {
      const error = await userErrorOf(loadWeights(path));
      expect([error.kind, error.exitCode]).toEqual(['usage', 2]);
      expect(error.message).toContain(`${path}: there is no such file`);
    }
    const stale = join(folder, 'best');
    await writePointer(folder, 'best', 9);
    expect((await userErrorOf(loadWeights(stale))).message).toContain('step-00000009: there is no such file');
  });

  it.each(['model', 'ema'])(
    'refuses a checkpoint whose %s was exchanged, and a folder that is none',
    async (name) => {
      const folder = temporaryFolder();
      const other = await saveCheckpoint(folder, 2, {model: dictOfStep(3), state: {}});
      const ema = name === 'ema' ? dictOfStep(2) : null;
      const path = await saveCheckpoint(folder, 1, {model, ema, state: {}});
      copyFileSync(join(other, 'model.safetensors'), join(path, `${name}.safetensors`));
      const error = await userErrorOf(loadWeights(path));
      expect([error.kind, error.message]).toEqual(['checkpoint', expect.stringContaining('SHA-256')]);
      expect((await userErrorOf(loadWeights(folder))).message).toContain('MANIFEST.json: is missing');
    },
  );

  it('refuses a file that is neither, by what its name promises', async () => {
    const text = (name: string) => userErrorOf(loadWeights(temporaryFile(name, '<!doctype html><p>404')));
    expect((await text('w.pth')).message).toContain('torch.save');
    expect((await text('w.safetensors')).message).toContain('not a safetensors file');
    expect((await text('w')).kind).toBe('checkpoint');
  });

  it('follows a pointer only where there is one', async () => {
    const folder = temporaryFolder();
    const weights = join(folder, 'w.safetensors');
    writeFileSync(weights, encodeSafetensors(model));
    renameSync(weights, join(folder, 'best'));
    expect(await loadWeights(join(folder, 'best'))).toEqual(model);
  });
});
