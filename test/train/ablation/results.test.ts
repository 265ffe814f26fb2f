import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {afterAll, describe, expect, it} from 'vitest';
import {
  type Ablation,
  type AblationRun,
  ablationTable,
  formatSpread,
  writeAblation,
} from '../../../src/train/ablation/results.js';

const folder = mkdtempSync(join(tmpdir(), 'ablation-'));
afterAll(() => rmSync(folder, {recursive: true}));

const run = (codec: string, flip: string, seed: number, AP: number | null): AblationRun => ({
  name: `${codec}-${flip}-seed${seed}`,
  variants: [codec, flip],
  seed,
  figures: AP === null ? null : {AP, AP50: AP + 0.2, AP75: 0, AR: 0.5, AR50: 0.6},
});

const RUNS = [
  run('msra', 'on', 0, 0.5),
  run('msra', 'on', 1, 0.6),
  run('msra', 'off', 0, 0.4),
  run('msra', 'off', 1, 0.4),
  run('udp', 'on', 0, 0.7),
  run('udp', 'on', 1, null),
];

const axis = (name: string) => ({name, variants: []});
const ablation = (changes: Partial<Ablation> = {}): Ablation => ({
  title: 'codecs',
  folder,
  matrix: {file: 'm.yaml', axes: [axis('codec'), axis('flip')], seeds: [0, 1], runs: []},
  command: 'pose-train --cfg a.yaml --matrix m.yaml',
  primary: 'AP',
  runs: RUNS,
  ...changes,
});

describe('the table of an ablation', () => {
  it('has the mean and the standard deviation of the finished runs, and marks the best', () => {
    // 0.1 / √2 = 0.0707
    expect(ablationTable(ablation())).toBe(
      [
        'codec  flip  runs             AP           AP50           AP75             AR',
        'msra     on     2  0.550 ± 0.071  0.750 ± 0.071  0.000 ± 0.000  0.500 ± 0.000',
        'msra    off     2  0.400 ± 0.000  0.600 ± 0.000  0.000 ± 0.000  0.500 ± 0.000',
        'udp      on     1          0.700          0.900          0.000          0.500  <- best',
      ].join('\n'),
    );
  });

  it('marks none where two are as good, and the least error where errors are compared', () => {
    const tied = [run('msra', 'on', 0, 0.5), run('udp', 'on', 0, 0.5)];
    expect(ablationTable(ablation({runs: tied}))).not.toContain('best');
    const errors = [5, 3].map((EPE, i) => ({...run(`v${i}`, 'on', 0, 0), figures: {EPE}}));
    expect(ablationTable(ablation({runs: errors, primary: 'EPE'}))).toMatch(/^v1 .*3\.00 {2}<- best$/m);
  });

  it('shows percentages and pixels with two decimals, and a dash for nothing', () => {
    expect(formatSpread({mean: 88.125, deviation: 1.5, values: [87, 89]})).toBe('88.13 ± 1.50');
    expect(formatSpread(undefined)).toBe('–');
  });
});

describe('the files of an ablation', () => {
  it('tell every figure, the table, and what each axis does', async () => {
    await writeAblation(ablation());
    const text = readFileSync(join(folder, 'ablation.md'), 'utf8');
    expect(text).toContain('| msra | on | 2 | 0.550 ± 0.071 |');
    expect(text).toContain('| **udp** | **on** | **1** | **0.700** |');
    expect(text).toContain('Not finished, and not counted: udp-on-seed1.');
    // (0.5 + 0.6 + 0.4 + 0.4) / 4; squares 0.000625 + 0.015625 + 2 x 0.005625 = 0.0275; √(0.0275 / 3).
    expect(text).toContain('| msra | 4 | 0.475 ± 0.096 |');
    const {runs, combinations} = JSON.parse(readFileSync(join(folder, 'ablation.json'), 'utf8'));
    expect(runs).toEqual(RUNS);
    expect(combinations[0].figures.AP).toMatchObject({mean: 0.55, values: [0.5, 0.6]});
    const {format, width} = await sharp(join(folder, 'ablation.svg')).metadata();
    expect({format, width}).toEqual({format: 'svg', width: 640});
  });
});
