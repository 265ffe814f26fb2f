/** @file What a run leaves for other programs: equal to its log, after a kill too, and none of it can stop the training. */
import {linkSync, mkdirSync, readdirSync, renameSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {readEventFile, shownScalars} from '../report/tensorboard/eventReader.js';
import {type Ended, launcher, startNode} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
});
afterAll(() => folder.remove());

/** Trains, and acts on what the run prints. */
function train(
  args: readonly string[],
  onText: (text: string, kill: () => void) => void = () => {},
): Promise<Ended> {
  const {child, ended} = startNode([launcher('pose-train'), '--cfg', RECIPE, ...args], folder.path);
  let text = '';
  child.stdout!.on('data', (chunk: string) => {
    text += chunk;
    onText(text, () => child.kill('SIGKILL'));
  });
  return ended;
}

type Row = Record<string, number | string>;

const events = (run: string): Row[] =>
  folder
    .read(`output/${run}/metrics.jsonl`)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** A column of the log as TensorBoard has it, in 32 bits. */
const logged = (run: string, type: string, name: string) =>
  events(run)
    .filter((event) => event.type === type && event[name] !== -1)
    .map(({step, [name]: value}) => [step, Math.fround(Number(value))]);

function expectAllForms(run: string): void {
  const shown = shownScalars(folder.at(`output/${run}/tensorboard`));
  for (const name of ['loss', 'learningRate', 'imagesPerSecond'])
    expect(shown[`train/${name}`], name).toEqual(logged(run, 'train', name));
  expect(shown['val/AP']).toEqual(logged(run, 'eval', 'AP'));
  expect(shown['val/AP_medium']).toBeUndefined();
  const [header, ...rows] = folder.read(`output/${run}/metrics.csv`).trimEnd().split('\n');
  expect(header).toMatch(/^type,step,epoch,loss,gradNorm,learningRate,/);
  expect(rows.map((row) => row.split(',').slice(0, 3).join())).toEqual(
    events(run).map(({type, step, epoch}) => `${type},${step},${epoch}`),
  );
}

describe('a run that was killed and goes on', () => {
  it('has every step once in metrics.csv and in TensorBoard, whose files are whole but for their end', async () => {
    // After the first checkpoint, in the middle of an epoch.
    const killed = await train(['name=killed', 'train.epochs=8'], (text, kill) => {
      if (/^epoch 3 /m.test(text)) setTimeout(kill, 40);
    });
    expect(killed.code).toBeNull();
    const [file, ...others] = folder.list('output/killed/tensorboard');
    expect(others).toEqual([]);
    expect(readEventFile(folder.at(`output/killed/tensorboard/${file}`)).events.length).toBeGreaterThan(9);
    expect(await train(['name=killed', 'train.epochs=8', '--resume'])).toMatchObject({code: 0, stderr: ''});
    expect(folder.list('output/killed/tensorboard')).toHaveLength(2);
    expect(events('killed').filter(({type}) => type === 'train')).toHaveLength(24);
    expectAllForms('killed');
  }, 180_000);
});

describe('a run whose disk fails', () => {
  const ARGS = ['train.epochs=12', 'train.evaluateEvery=6', 'train.keepCheckpoints=1'];

  it('goes on when the log cannot be written, warns once, and has every line when it can again', async () => {
    const log = folder.at('output/full/metrics.jsonl');
    let step = 0;
    const {code, stdout, stderr} = await train(['name=full', ...ARGS], (text) => {
      if (step === 0 && /^epoch 1\//m.test(text)) {
        step = 1;
        linkSync(log, `${log}.away`);
        symlinkSync('/dev/full', `${log}.full`);
        renameSync(`${log}.full`, log);
      } else if (step === 1 && /^epoch 6 /m.test(text)) {
        step = 2;
        renameSync(`${log}.away`, log);
      }
    });
    expect({code, stderr, step}).toEqual({code: 0, stderr: '', step: 2});
    expect(
      stdout.match(/^warning: output\/full\/metrics\.jsonl: cannot be written \(ENOSPC.*$/gm),
    ).toHaveLength(1);
    const trained = events('full').filter(({type}) => type === 'train');
    expect(trained.map(({step: at}) => at)).toEqual(Array.from({length: 36}, (_, i) => i + 1));
    expectAllForms('full');
  }, 180_000);

  it("goes on when TensorBoard's folder is removed, warns once, and begins it anew", async () => {
    let removed = 0;
    const {code, stdout, stderr} = await train(['name=board', ...ARGS], (text) => {
      if (removed > 0 || !/^epoch 6 /m.test(text)) return;
      removed = events('board').length;
      // In one go: the run would put a new file into a folder that is being emptied.
      renameSync(folder.at('output/board/tensorboard'), folder.at('removed'));
    });
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout.match(/^warning: .*tensorboard.*$/gm)).toEqual([
      expect.stringMatching(/was removed; TensorBoard's file is begun anew$/),
    ]);
    const [file, ...others] = readdirSync(folder.at('output/board/tensorboard'));
    expect(others).toEqual([]);
    expect(readEventFile(join(folder.at('output/board/tensorboard'), file)).torn).toBe(0);
    const shown = shownScalars(folder.at('output/board/tensorboard'))['train/loss'];
    const all = logged('board', 'train', 'loss');
    expect(removed).toBeGreaterThan(10);
    expect(shown.length).toBeGreaterThan(5);
    expect(shown).toEqual(all.slice(-shown.length));
  }, 180_000);

  it('goes on without a table, results and report where folders are in their way', async () => {
    for (const name of ['metrics.csv', 'eval.json', 'report.html'])
      mkdirSync(folder.at(`output/blocked/${name}`), {recursive: true});
    const {code, stdout, stderr} = await train(['name=blocked', 'train.epochs=3']);
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    for (const [name, end] of [
      ['metrics\\.csv', 'The training goes on\\.'],
      ['eval\\.json', 'The training goes on\\.'],
      ['report\\.html', '.*'],
    ])
      expect(
        stdout.match(new RegExp(`^warning: .*output/blocked/${name}: could not be written.*${end}$`, 'gm')),
        name,
      ).toHaveLength(1);
    expect(folder.exists('output/blocked/checkpoints/step-00000009/MANIFEST.json')).toBe(true);
    expect(logged('blocked', 'train', 'loss')).toHaveLength(9);
  }, 180_000);
});
