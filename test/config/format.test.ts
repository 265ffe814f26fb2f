import {load} from 'js-yaml';
import {afterAll, describe, expect, it} from 'vitest';
import {dumpConfig, formatConfig} from '../../src/config/format.js';
import {loadConfig} from '../../src/config/load.js';
import {ConfigFolder, SMALLEST} from './folder.js';

const folder = new ConfigFolder();
const base = folder.write('base.yaml', SMALLEST);
afterAll(() => folder.remove());

/** Values that are hard to write. */
const loaded = loadConfig(base, [
  `name="a: b # c"`,
  `dataset.root="it's 100%"`,
  'model.weights="null"',
  'train.optimizer.epsilon=1e-12',
]);

describe('dumpConfig', () => {
  it('writes a file that loads to the same configuration', () => {
    const file = folder.write('dumped.yaml', dumpConfig(loaded.config));
    expect(loadConfig(file).config).toEqual(loaded.config);
  });
});

describe('formatConfig', () => {
  const text = formatConfig(loaded.config, loaded.sources);

  it('is YAML of the same configuration', () => {
    expect(load(text)).toEqual(loaded.config);
  });

  it('says behind every value where it was set', () => {
    const lines = text.split('\n').map((line) => line.replaceAll(/ {2,}#/g, ' #').trim());
    expect(lines).toContain('epsilon: 1.e-12 # "train.optimizer.epsilon=1e-12"');
    expect(lines).toContain(`modules: 1 # ${base}:7`);
    expect(lines).toContain('batchSize: 32 # default');
    const values = lines.filter((line) => !line.endsWith(':'));
    expect(values.every((line) => / # /.test(line))).toBe(true);
  });
});
