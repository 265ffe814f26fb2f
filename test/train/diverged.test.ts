/** @file Runs whose numbers go wrong, as real processes: what ends them, what goes on, and what they leave behind. */
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {type Ended, launcher, startNode} from '../cli/process.js';
import {RECIPE, TinyRun} from '../cli/tinyRun.js';

const POISON = pathToFileURL(join(PACKAGE_ROOT, 'test/train/faults/poison.mjs')).href;

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
});
afterAll(() => folder.remove());

/** Trains two epochs of three steps; `at` names the bad batches. */
function train(name: string, poison: string, at: string, ...args: string[]): Promise<Ended> {
  const overrides = [`name=${name}`, 'train.evaluateEvery=2', ...args];
  return startNode([launcher('pose-train'), '--cfg', RECIPE, ...overrides], folder.path, {
    NODE_OPTIONS: `--import ${POISON}`,
    POISON: poison,
    POISON_AT: at,
  }).ended;
}

const steps = (name: string) =>
  folder.list(`output/${name}/checkpoints`).filter((entry) => /^step-\d+$/.test(entry));

/** Kind and step of the log's lines. */
function events(name: string): [string, number][] {
  const lines = folder.read(`output/${name}/metrics.jsonl`).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line)).map(({type, step}) => [type, step]);
}

const dump = (name: string, step: number) =>
  JSON.parse(folder.read(`output/${name}/nonfinite/step-0000000${step}.json`));

describe('a run that stops at what is not finite', () => {
  it.each([
    ['pixel', 'conv1'],
    ['weight', 'layer1.0.conv2'],
    ['variance', 'layer1.1.bn2'],
    ['gradient', 'layer1.0.bn1'],
  ])('ends with 4 at a bad %s, and names samples and layer', async (poison, layer) => {
    const {code, stderr} = await train(poison, poison, '1/1', 'train.logEvery=2');
    expect(code).toBe(4);
    const file = `output/${poison}/nonfinite/step-00000005.json`;
    expect(stderr).toMatch(/^error: .* at step 5; the weights were left as they were before it\. [^\n]*\n$/);
    expect(stderr).toContain(file);
    const {firstBadLayer, notFinite, batches, seed, gradientNorms} = dump(poison, 5);
    expect({firstBadLayer, seed}).toEqual({firstBadLayer: layer, seed: 0});
    const [{samples}] = batches;
    expect(samples).toHaveLength(2);
    for (const {annotationId, imageFile} of samples)
      expect(imageFile).toMatch(new RegExp(`/${annotationId}\\.jpg$`));
    expect(notFinite.images).toEqual(poison === 'pixel' ? [samples[1]] : []);
    expect(Object.keys(gradientNorms)).toContain('final_layer.weight');
    expect(steps(poison)).toEqual(['step-00000003']);
  });
});

describe('a run that leaves bad steps out', () => {
  it('goes on after them, and says so', async () => {
    const {code, stdout} = await train('skips', 'pixel', '0/1 1/0', 'train.onNonFinite.policy=skip');
    expect(code).toBe(0);
    expect(stdout.match(/^warning: .* The batch is left out\.$/gm)).toHaveLength(2);
    expect(events('skips')).toEqual([
      ...[
        ['train', 1],
        ['nonFinite', 2],
        ['train', 3],
      ],
      ...[
        ['nonFinite', 4],
        ['train', 5],
        ['train', 6],
        ['eval', 6],
      ],
    ]);
    expect(steps('skips')).toEqual(['step-00000003', 'step-00000006']);
  });

  it('ends with 4 after too many in a row', async () => {
    const options = ['train.onNonFinite={policy: skip, limit: 1}'];
    const {code, stderr} = await train('skipsTooMany', 'pixel', '1/*', ...options);
    expect(code).toBe(4);
    expect(stderr).toMatch(/at step 5; .*It was the 2nd such step in a row/);
  });
});

describe('a run that goes back', () => {
  const ROLLBACK = 'train.onNonFinite={policy: rollback, limit: 2}';

  it('leaves out the bad batch and the one before it, and ends with finite weights', async () => {
    const {code, stdout} = await train('back', 'pixel', '1/1', ROLLBACK);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^warning: .*back to its checkpoint of step 3 and leaves out steps 4 to 5\.$/m);
    expect(events('back')).toEqual([
      ...[
        ['train', 1],
        ['train', 2],
        ['train', 3],
      ],
      ...[
        ['nonFinite', 5],
        ['train', 6],
        ['eval', 6],
      ],
    ]);
    expect(steps('back')).toEqual(['step-00000003', 'step-00000006']);
    const {finite} = JSON.parse(folder.read('output/back/checkpoints/step-00000006/state.json'));
    expect(finite).toEqual({inARow: 0, rollbacks: 1, leftOut: [3, 4]});
  });

  it('from weights that were spoilt, gets those of the checkpoint', async () => {
    const {code} = await train('healed', 'weight', '1/2', ROLLBACK);
    expect(code).toBe(0);
    expect(events('healed').at(-1)).toEqual(['eval', 6]);
  });

  it('goes back to its start where nothing was saved yet', async () => {
    const {code, stdout} = await train('start', 'pixel', '0/0', ROLLBACK);
    expect(code).toBe(0);
    expect(stdout).toMatch(/back to its checkpoint of step 0 and leaves out steps 1 to 1\.$/m);
    expect(events('start').slice(0, 3)).toEqual([
      ['nonFinite', 1],
      ['train', 2],
      ['train', 3],
    ]);
  });

  it('ends with 4 when it would have to go back for the third time', async () => {
    const {code, stderr, stdout} = await train('hopeless', 'pixel', '1/*', ROLLBACK);
    expect(code).toBe(4);
    expect(stdout.match(/goes back to its checkpoint of step 3/g)).toHaveLength(2);
    expect(stderr).toMatch(/It was the 3rd time, and train\.onNonFinite\.limit is 2/);
    expect(steps('hopeless')).toContain('step-00000003');
  });
});
