/** @file Every value of the configuration as a user overrides it: through the command line of a real process. */
import {dump, load} from 'js-yaml';
import {afterAll, describe, expect, it} from 'vitest';
import {CONFIG_KEYS} from '../../src/config/keys.js';
import {loadConfig} from '../../src/config/load.js';
import {ConfigFolder, SMALLEST} from '../config/folder.js';
import {runCommandLine} from './process.js';

const folder = new ConfigFolder();
afterAll(() => folder.remove());
const file = folder.write('base.yaml', SMALLEST);

function valueAt(values: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], values);
}

const isLeaf = (key: string) => !CONFIG_KEYS.some((other) => other.startsWith(`${key}.`));

async function printed(...overrides: string[]) {
  const {code, stdout, stderr} = await runCommandLine(
    'pose-train',
    ['--cfg', file, ...overrides, '--print-config'],
    folder.path,
  );
  expect({code, stderr}).toEqual({code: 0, stderr: ''});
  return {values: load(stdout), lines: stdout.split('\n')};
}

describe('overrides on the command line', () => {
  it('of every value of the schema at once give the same values, each with its origin', async () => {
    const {config} = loadConfig(file);
    // Those of the backbones that this configuration does not have are undefined.
    const leaves = CONFIG_KEYS.filter((key) => isLeaf(key) && valueAt(config, key) !== undefined);
    expect(leaves.length).toBeGreaterThan(100);
    const overrides = leaves.map(
      (key) => `${key}=${dump(valueAt(config, key), {flowLevel: 0, lineWidth: -1}).trimEnd()}`,
    );
    const {values, lines} = await printed(...overrides);
    expect(values).toEqual(config);
    for (const override of overrides) {
      expect(lines.filter((line) => line.endsWith(`# "${override}"`), override).length).toBeGreaterThan(0);
    }
  });

  const texts: [override: string, path: string, value: unknown][] = [
    ['name="12"', 'name', '12'],
    ["name='true'", 'name', 'true'],
    ['name="null"', 'name', 'null'],
    ['name=-x', 'name', '-x'],
    ['name=a=b', 'name', 'a=b'],
    ['name=two words', 'name', 'two words'],
    ['name="# 1: *a"', 'name', '# 1: *a'],
    ['name=Größe', 'name', 'Größe'],
    ['threads=null', 'threads', null],
    ['threads=0x10', 'threads', 16],
    ['train.optimizer.learningRate=1e-3', 'train.optimizer.learningRate', 0.001],
    ['train.schedule.milestones=[]', 'train.schedule.milestones', []],
    ['train.schedule.milestones=[1.5, 3]', 'train.schedule.milestones', [1.5, 3]],
    ['eval.pck.normalizer=[nose, left_eye]', 'eval.pck.normalizer', ['nose', 'left_eye']],
  ];
  it.each(texts)('%s', async (override, path, value) => {
    const {values} = await printed(override);
    expect(valueAt(values, path)).toEqual(value);
  });
});
