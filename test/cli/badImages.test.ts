/** @file Training over damaged images, as a user does: a few are replaced and named, many stop the run with 3. */
import {copyFileSync, writeFileSync} from 'node:fs';
import {afterEach, describe, expect, it} from 'vitest';
import {type Ended, runCommandLine} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

const PEOPLE = 2000;
const overrides = [
  ...['dataset.train.annotations=many.json', 'train.epochs=1', 'train.batchSize=50', 'loader.workers=2'],
  ...['model.backbone.stemChannels=8', 'model.backbone.stage1={blocks: 1, channels: 4}'],
];

let folder: TinyRun;
afterEach(() => folder.remove());

/** Thousands of people on the six photographs, and `bad` of them on photographs of their own that are cut short. */
async function train(bad: number): Promise<Ended> {
  folder = await TinyRun.create();
  const {images, categories, annotations} = JSON.parse(folder.read('data/people.json'));
  const many = Array.from({length: PEOPLE}, (_, i) => ({...annotations[i % images.length], id: i + 1}));
  for (let i = 0; i < bad; i++) {
    const name = `bad ${i}.jpg`;
    writeFileSync(folder.at(`data/images/${name}`), 'not a photograph');
    images.push({...images[0], id: 100 + i, file_name: name});
    many[i * Math.floor(PEOPLE / bad)].image_id = 100 + i;
  }
  writeFileSync(folder.at('data/many.json'), JSON.stringify({images, categories, annotations: many}));
  return runCommandLine('pose-train', ['--cfg', RECIPE, ...overrides], folder.path);
}

describe('a set of 2000 people', () => {
  it('with 0.05 % damaged images is trained on, and they are named', async () => {
    const {code, stdout} = await train(1);
    expect(code).toBe(0);
    const events = folder
      .read('output/run/metrics.jsonl')
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line));
    const rejects = events.filter(({type}) => type === 'reject');
    expect(rejects).toHaveLength(1);
    expect(rejects[0].reason).toMatch(/images\/bad 0\.jpg: the image is damaged/);
    expect(events.filter(({type}) => type === 'train')).toHaveLength(PEOPLE / 50);
    expect(stdout).toMatch(/warning: .*bad 0\.jpg: the image is damaged.* Another sample took its place\./);
    expect(stdout).toMatch(
      /warning: 1 training samples could not be used and were replaced by others:\n {2}.*bad 0/,
    );
  });

  it('with 1 % damaged images stops with 3, says how many there were, and names some', async () => {
    const {code, stderr} = await train(20);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^error: 3 of 2000 training samples cannot be used, and dataset\.maxBadFraction=0\.001 allows 2\./,
    );
    expect(stderr.match(/bad \d+\.jpg: the image is damaged/g)).toHaveLength(3);
  });
});

describe('an evaluation', () => {
  it('over a single damaged image stops with 3 and names it', async () => {
    folder = await TinyRun.create();
    const run = ['--cfg', RECIPE, 'train.epochs=1'];
    expect(await runCommandLine('pose-train', run, folder.path)).toMatchObject({code: 0});
    copyFileSync(folder.at(RECIPE), folder.at('data/images/3.jpg'));
    const {code, stdout, stderr} = await runCommandLine('pose-eval', run, folder.path);
    expect({code, stdout}).toEqual({code: 3, stdout: ''});
    expect(stderr).toMatch(/^error: .*images\/3\.jpg: the image is damaged or of an unknown format/);
  });
});
