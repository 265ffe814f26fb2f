import {readFileSync, writeFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {loadConfig} from '../../src/config/load.js';
import {type Ended, runCommandLine} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

let folder: TinyRun;
let first: Ended;
beforeAll(async () => {
  folder = await TinyRun.create();
  first = await train();
}, 120_000);
afterAll(() => folder.remove());

function train(...args: string[]): Promise<Ended> {
  return runCommandLine('pose-train', ['--cfg', RECIPE, ...args], folder.path);
}

function evaluate(...args: string[]): Promise<Ended> {
  return runCommandLine('pose-eval', args, folder.path);
}

const events = () =>
  folder
    .read('output/run/metrics.jsonl')
    .trimEnd()
    .split('\n')
    .map((line): Record<string, number | string> => JSON.parse(line));

/** What the run's eval.json says. */
function evaluation() {
  const {perKeypoint, ...figures} = JSON.parse(folder.read('output/run/eval.json'));
  return {perKeypoint, figures};
}

/** In a run's folder, besides its checkpoints. */
const OUTPUTS = [
  ...['config.yaml', 'data-report.json', 'eval.json', 'metrics.csv', 'metrics.jsonl', 'pictures'],
  ...['report.html', 'results', 'tensorboard'],
];

describe('a run of pose-train', () => {
  it('ends with 0, and says where its report is', () => {
    expect(first).toMatchObject({code: 0, stderr: ''});
    expect(first.stdout).toMatch(/^report: output\/run\/report\.html$/m);
    // Escape codes are for terminals.
    expect(first.stdout).not.toContain('\x1b');
  });

  it('leaves its configuration, log, checkpoints, results, figures and report', () => {
    expect(folder.list('output/run')).toEqual(['checkpoints', ...OUTPUTS]);
    expect(folder.list('output/run/pictures')).toEqual([
      'best.jpg',
      'train-batch.jpg',
      'validation-epoch-0001.jpg',
      'validation-epoch-0002.jpg',
      'worst.jpg',
    ]);
    expect(folder.list('output/run/results')).toEqual(['keypoints_val_results.json']);
    expect(folder.list('output/run/checkpoints')).toEqual(['best', 'last', 'step-00000003', 'step-00000006']);
    expect(folder.list('output/run/checkpoints/step-00000006')).toEqual([
      'MANIFEST.json',
      'model.safetensors',
      'optimizer.safetensors',
      'state.json',
    ]);
  });

  it('says first what it is', () => {
    const facts = ['run', 'device', 'versions', 'seed', 'model', 'train', 'val'];
    const lines = first.stdout.split('\n').slice(0, facts.length);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(facts);
    expect(lines[0]).toBe('run       output/run');
    expect(lines[2]).toMatch(
      /^versions {2}Posecraft \d+\.\d+\.\d+, libtorch \S+ \(backend torch\), Node \d+\./,
    );
  });

  it('leaves a configuration that gives the same run', () => {
    expect(loadConfig(folder.at('output/run/config.yaml')).config).toEqual(
      loadConfig(folder.at(RECIPE)).config,
    );
  });

  it('logs every step and every validation once, in order', () => {
    const rows = events().map(({type, step, epoch}) => [type, step, epoch]);
    expect(rows).toEqual([
      ...[1, 2, 3].map((step) => ['train', step, 0]),
      ['eval', 3, 1],
      ...[4, 5, 6].map((step) => ['train', step, 1]),
      ['eval', 6, 2],
    ]);
    const {type, step, epoch, ...figures} = events().at(-1)!;
    expect(evaluation().figures).toEqual(figures);
  });

  it('gives the same weights without pictures', async () => {
    expect(await train('name=plain', 'train.pictures=false')).toMatchObject({code: 0, stderr: ''});
    expect(folder.list('output/plain')).not.toContain('pictures');
    const [plain, drawn] = ['plain', 'run'].map((run) =>
      readFileSync(folder.at(`output/${run}/checkpoints/step-00000006/model.safetensors`)),
    );
    expect(plain.equals(drawn)).toBe(true);
  });

  it('leaves a table of the figures of each keypoint', () => {
    const {perKeypoint} = evaluation();
    expect(Object.keys(perKeypoint)).toHaveLength(17);
    expect(perKeypoint.nose).toMatchObject({labelled: 6, OKS: expect.any(Number)});
  });

  it('leaves results that pose-eval scores as the run did', async () => {
    const results = 'output/run/results/keypoints_val_results.json';
    const scored = await evaluate('--results', results, '--annotations', 'data/people.json', '--json');
    expect(scored.code).toBe(0);
    expect(JSON.parse(scored.stdout)).toEqual(evaluation().figures);
  });

  it('leaves a checkpoint that pose-eval evaluates to the same figures', async () => {
    const {figures} = evaluation();
    const checkpoint = ['--checkpoint', 'output/run/checkpoints/last'];
    const {code, stdout, stderr} = await evaluate('--cfg', 'output/run/config.yaml', ...checkpoint, '--json');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^AP_medium, AR_medium are -1: .*\n/);
    expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
    expect(JSON.parse(stdout)).toEqual(figures);
  });
});

describe('a run that is already there', () => {
  it('is not trained over', async () => {
    const before = folder.read('output/run/metrics.jsonl');
    const {code, stderr} = await train();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: output\/run: a run is already there\. .*--resume.*\n$/);
    expect(folder.read('output/run/metrics.jsonl')).toBe(before);
  });

  it('does not go on with another model', async () => {
    const other = ['--resume', 'model.backbone.stage2.channels=[8, 16]'];
    const refused = await train(...other);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^error: output\/run\/checkpoints\/step-00000006: .* other settings/);
    expect(refused.stderr).toMatch(/^ {2}model\.backbone\.stage2\.channels: \[8,8\] → \[8,16\]$/m);
    const {code, stderr} = await train(...other, '--allow-config-change', 'model.backbone');
    expect(code).toBe(7);
    expect(stderr).toMatch(/^error: output\/run\/checkpoints\/step-00000006: does not fit the model: .*\n$/);
  });

  it('goes on with --resume where it ended', async () => {
    const {code, stdout, stderr} = await train('--resume', 'train.epochs=3');
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toMatch(/^resumed from output\/run\/checkpoints\/step-00000006: epoch 3, batch 1$/m);
    const steps = events().filter(({type}) => type === 'train');
    expect(steps.map(({step}) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(folder.exists('output/run/checkpoints/step-00000009/MANIFEST.json')).toBe(true);
  });

  it('goes on from the checkpoint before, if its last one is damaged', async () => {
    const weights = folder.at('output/run/checkpoints/step-00000009/model.safetensors');
    const bytes = readFileSync(weights);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(weights, bytes);
    const {code, stdout} = await train('--resume', 'train.epochs=3', 'train.evaluateEvery=3');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^warning: .*step-00000009/m);
    expect(stdout).toMatch(/^resumed from output\/run\/checkpoints\/step-00000006/m);
    expect(folder.list('output/run/checkpoints')).toContain('step-00000009.corrupt');
  });
});
