/** @file Ablations as a user runs them: one command, many runs, stopped and gone on with. */
import {existsSync, writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {type Ended, launcher, runCommandLine, startNode} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
  writeFileSync(
    folder.at('m.yaml'),
    `axes:
  codec: {msra: {}, udp: {model.head.codec: udp}}
  sigma: {key: model.head.sigma, values: [1, 1.5]}
seeds: [0, 1]
`,
  );
});
afterAll(() => folder.remove());

/** Between the first checkpoint and the end there is time for a signal. */
const COMMON = ['--cfg', RECIPE, 'eval.metrics=[epe]', 'train.epochs=5', 'train.evaluateEvery=5'];
const ARGS = [...COMMON, '--matrix', 'm.yaml', 'name=abl'];
const STATISTIC = 'output/abl/ablation.json';

const train = (...args: string[]): Promise<Ended> => runCommandLine('pose-train', args, folder.path);

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 150_000;
  while (!condition() && Date.now() < end) await sleep(20);
  expect(condition()).toBe(true);
}

/** Runs the ablation until a run has its first checkpoint, and then sends the signal. */
async function stopAt(run: string, signal: NodeJS.Signals): Promise<Ended> {
  const {child, ended} = startNode([launcher('pose-train'), ...ARGS], folder.path);
  await until(() => folder.exists(`output/abl/${run}/checkpoints/last`));
  child.kill(signal);
  return ended;
}

const said = ({stdout}: Ended, what: RegExp) => [...stdout.matchAll(what)].map(([, run]) => run);
const DONE = /^\[\d\/8\] (\S+): EPE [\d.]+, \d+ s$/gm;
const BEFORE = /^\[\d\/8\] (\S+): EPE [\d.]+, finished before$/gm;

interface Figures {
  readonly mean: number;
  readonly deviation: number;
}

function lastError(run: string): number {
  return JSON.parse(folder.read(`output/${run}/eval.json`)).EPE;
}

describe('an ablation', () => {
  it('lists its runs with --dry-run, and trains none', async () => {
    const {code, stdout} = await train(...ARGS, '--dry-run');
    expect(code).toBe(0);
    expect(stdout.split('\n')[3]).toMatch(
      /^4\/8 {2}output\/abl\/msra-sigma1\.5-seed1 +to do +model\.head\.sigma=1\.5 seed=1 *$/,
    );
    expect(folder.exists('output')).toBe(false);
  });

  it('saves on SIGTERM, and goes on where it was, also after kill -9', async () => {
    const first = await stopAt('msra-sigma1.5-seed0', 'SIGTERM');
    expect(first).toMatchObject({code: 143});
    expect(said(first, DONE)).toEqual(['msra-sigma1-seed0', 'msra-sigma1-seed1']);
    expect(first.stdout).toContain('6 of 8 runs are not finished; the same command goes on.');
    expect(folder.exists('output/abl/LOCK')).toBe(false);

    await stopAt('udp-sigma1-seed0', 'SIGKILL');
    const {runs} = JSON.parse(folder.read(STATISTIC));
    expect(runs.filter(({figures}: {figures: object | null}) => figures !== null)).toHaveLength(4);
    // The run sees that it is alone, saves and ends.
    await until(() => !folder.exists('output/abl/udp-sigma1-seed0/LOCK'));

    const last = await train(...ARGS);
    expect(last).toMatchObject({code: 0, stderr: ''});
    expect(said(last, BEFORE)).toEqual([...said(first, DONE), 'msra-sigma1.5-seed0', 'msra-sigma1.5-seed1']);
    expect(said(last, DONE)).toHaveLength(4);
    expect(folder.read('output/abl/msra-sigma1.5-seed0/console.log')).toMatch(/^resumed from /m);
  }, 500_000);

  it('ends with mean and standard deviation over the seeds', async () => {
    const {combinations, runs} = JSON.parse(folder.read(STATISTIC));
    expect(runs).toHaveLength(8);
    expect(combinations).toHaveLength(4);
    const [a, b] = ['abl/udp-sigma1.5-seed0', 'abl/udp-sigma1.5-seed1'].map(lastError);
    const {mean, deviation}: Figures = combinations[3].figures.EPE;
    expect(mean).toBeCloseTo((a + b) / 2, 9);
    expect(deviation).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 9);
    expect(a).not.toBe(b);
    // In bold, where it is the best; which is, the arithmetic of the processor decides.
    const isBest = combinations.every(({figures}: {figures: {EPE: Figures}}) => mean <= figures.EPE.mean);
    const row = isBest ? '| **udp** | **1.5** | **2** |' : '| udp | 1.5 | 2 |';
    expect(folder.read('output/abl/ablation.md')).toContain(row);
    expect(existsSync(folder.at('output/abl/ablation.svg'))).toBe(true);
  });

  it('keeps what still fits when the matrix changes', async () => {
    const smaller =
      'axes:\n  codec: {udp: {model.head.codec: udp}}\n  sigma: {key: model.head.sigma, values: [1.5]}\nseeds: [1]\n';
    writeFileSync(folder.at('smaller.yaml'), smaller);
    const {code, stdout} = await train(...COMMON, '--matrix', 'smaller.yaml', 'name=abl');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\[1\/1\] udp-sigma1\.5-seed1: EPE [\d.]+, finished before$/m);
  });

  it('refuses to mix runs of other settings, and says what differs', async () => {
    const {code, stderr} = await train(...ARGS, 'train.batchSize=3');
    expect(code).toBe(2);
    expect(stderr).toContain('output/abl/udp-sigma1-seed1: train.batchSize: 2 → 3');
  });

  it('takes no folder of a run by itself', async () => {
    folder.makeFolder('output/solo/checkpoints');
    const {code, stderr} = await train(...COMMON, '--matrix', 'm.yaml', 'name=solo');
    expect(code).toBe(2);
    expect(stderr).toContain('output/solo: a run by itself is there');
  });

  it('goes on after a run that failed, and ends with its exit code', async () => {
    writeFileSync(
      folder.at('failing.yaml'),
      'axes:\n  data:\n    missing: {dataset.root: nowhere}\n    there: {model.head.sigma: 1.5}\n',
    );
    const {code, stdout} = await train(...COMMON, '--matrix', 'failing.yaml', 'name=failing');
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^\[1\/2\] missing-seed0: failed \(exit code 3; output\/failing\/missing-seed0\/console\.log\)/m,
    );
    expect(stdout).toContain('dataset.root=nowhere does not exist');
    expect(stdout).toMatch(/^\[2\/2\] there-seed0: EPE [\d.]+, \d+ s$/m);
    expect(stdout).toMatch(/^there +1 /m);
    expect(stdout).toContain('warning: failed: missing-seed0');
    // The same as the run that was stopped and went on.
    expect(lastError('failing/there-seed0')).toBe(lastError('abl/msra-sigma1.5-seed0'));
  }, 120_000);

  it('trains several at a time with --jobs, which go on after a signal as one does', async () => {
    writeFileSync(
      folder.at('two.yaml'),
      'axes:\n  codec: {udp: {model.head.codec: udp, model.head.sigma: 1.5}}\nseeds: [0, 1]\n',
    );
    const args = [...COMMON, '--matrix', 'two.yaml', 'name=two', '--jobs', '2'];
    const runs = ['udp-seed0', 'udp-seed1'];
    const {child, ended} = startNode([launcher('pose-train'), ...args], folder.path);
    await until(() => runs.every((run) => folder.exists(`output/two/${run}/checkpoints/last`)));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({code: 143});
    expect(runs.filter((run) => folder.exists(`output/two/${run}/LOCK`))).toEqual([]);
    expect(await train(...args)).toMatchObject({code: 0, stderr: ''});
    for (const seed of [0, 1])
      expect(lastError(`two/udp-seed${seed}`)).toBe(lastError(`abl/udp-sigma1.5-seed${seed}`));
  }, 240_000);

  it.each([
    [['--jobs', '0'], '--jobs is 0; expected a whole number from 1'],
    [['--seed', '3'], 'the seeds of a --matrix stand in its file'],
    [['--print-config'], '--dry-run lists those of a --matrix'],
    [['train.epochs=none'], '"train.epochs" is "none"'],
  ])('refuses %s', async (args, problem) => {
    const {code, stderr} = await train(...ARGS, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
  });
});
