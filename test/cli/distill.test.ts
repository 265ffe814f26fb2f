/** @file A teacher and its students as a user trains them: distilled, gone on with, evaluated in both modes. */
import {readdirSync, writeFileSync} from 'node:fs';
import {isDeepStrictEqual} from 'node:util';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {loadWeights} from '../../src/checkpoint/weights.js';
import {readMetrics} from '../../src/report/metricsLog.js';
import {launcher, runCommandLine, startNode} from './process.js';
import {expectSameWhenResumed} from './resumed.js';
import {RECIPE, TinyRun} from './tinyRun.js';

const METHODS: Record<string, string> = {
  feature: '{type: feature}',
  dwpose: '{type: dwpose}',
  agentpose: '{type: agentpose, latentChannels: 8}',
};
const TEACHER = 'teacher: {config: teacher.yaml, checkpoint: output/teacher/checkpoints/last}';

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
  const stage4 = 'stage4: {modules: 1, blocks: [1, 1, 1, 1], channels: [16, 8, 8, 8]}';
  writeFileSync(
    folder.at('teacher.yaml'),
    `extends: ${RECIPE}\nname: teacher\nmodel: {backbone: {${stage4}}}\ntrain: {epochs: 1}\n`,
  );
  for (const [name, method] of Object.entries(METHODS)) {
    const distill = `distill:\n  ${TEACHER}\n  method: ${method}\n`;
    writeFileSync(folder.at(`${name}.yaml`), `extends: ${RECIPE}\nname: ${name}\n${distill}`);
  }
  const {code, stderr} = await run('pose-train', '--cfg', 'teacher.yaml');
  expect({code, stderr}).toEqual({code: 0, stderr: ''});
}, 120_000);
afterAll(() => folder.remove());

const run = (command: string, ...args: string[]) => runCommandLine(command, args, folder.path);

/** The figures of `pose-eval --json`. */
async function evaluate(...args: string[]): Promise<unknown> {
  const {code, stdout} = await run('pose-eval', ...args, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe.each(['dwpose', 'agentpose'])('a student taught by %s', (name) => {
  it(
    'stops after an epoch, and goes on to where a run without a stop comes',
    () => expectSameWhenResumed(folder, name),
    120_000,
  );

  it('has the terms of its loss in the log', () => {
    const steps = readMetrics(folder.at(`output/${name}/metrics.jsonl`)).filter(({type}) => type === 'train');
    expect(steps).toHaveLength(6);
    for (const {loss, ...values} of steps) {
      const terms = Object.entries(values).filter(([key]) => key.startsWith('loss.'));
      expect(terms.map(([key]) => key)).toContain('loss.task');
      expect(terms.length).toBeGreaterThan(2);
      const sum = terms.reduce((total, [, value]) => total + Number(value), 0);
      expect(sum / Number(loss)).toBeCloseTo(1, 5);
    }
  });
});

describe('a teacher whose answers are kept', () => {
  const still = [
    'dataset.augment.rotation=0',
    'dataset.augment.scale=0',
    'dataset.augment.halfBody.probability=0',
  ];
  const train = (name: string, ...overrides: string[]) => {
    const args = [launcher('pose-train'), '--cfg', 'feature.yaml', `name=${name}`, ...still, ...overrides];
    return startNode(args, folder.path, {POSECRAFT_CACHE: folder.at('cache')}).ended;
  };
  const weights = async (name: string) => loadWeights(folder.at(`output/${name}/checkpoints/last`));

  it('teaches as one that is asked in every step, and the next student, too', async () => {
    for (const [name, cache] of [
      ['asked', false],
      ['kept', true],
      ['read', true],
    ] as const) {
      const {code, stderr} = await train(name, `distill.cache=${cache}`);
      expect({code, stderr}).toEqual({code: 0, stderr: ''});
    }
    expect(readdirSync(folder.at('cache/teachers'))).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.bin$/)]);
    const asked = await weights('asked');
    expect(await weights('kept')).toEqual(asked);
    expect(await weights('read')).toEqual(asked);
  }, 120_000);

  it('must see the same images in every epoch', async () => {
    const {code, stderr} = await train(
      'mistaken',
      'distill.cache=true',
      'dataset.augment.scale=0.1',
      '--dry-run',
    );
    expect(stderr).toMatch(/distill\.cache: .*: set dataset\.augment\.scale=0, or distill\.cache=false/);
    expect(code).toBe(2);
  });
});

describe("DWPose's second stage", () => {
  it('trains a new head on the first student, whose backbone stays as it is', async () => {
    const first = 'output/dwpose/checkpoints/last';
    const {code, stderr} = await run(
      'pose-train',
      ...['--cfg', RECIPE, 'name=stage2', 'train.epochs=1', 'train.optimizer.learningRate=1e-9'],
      ...[`model.weights=${first}`, 'model.weightsFor=backbone'],
      'train.optimizer.groups=[{match: "backbone.*", frozen: true}]',
      `distill={teacher: {config: dwpose.yaml, checkpoint: ${first}}, method: {type: dwpose, stage: 2}}`,
    );
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    const [before, after] = await Promise.all(
      [first, 'output/stage2/checkpoints/last'].map((path) => loadWeights(folder.at(path))),
    );
    const changed = [...after.keys()].filter((name) => !isDeepStrictEqual(before.get(name), after.get(name)));
    expect(after.size).toBeGreaterThan(100);
    expect(changed).toEqual(['final_layer.weight', 'final_layer.bias']);
    // It hardly learns here: what is far away is not the old head.
    const [old, own] = [before, after].map((state) =>
      Array.from(state.get('final_layer.weight')!.data, Number),
    );
    expect(Math.hypot(...own.map((value, i) => value - old[i]))).toBeGreaterThan(1e-3);
  }, 60_000);
});

describe('the checkpoint of a student with its agent', () => {
  const checkpoint = ['--checkpoint', 'output/agentpose/checkpoints/last'];

  it('is evaluated in both modes, and by the recipe of the student alone', async () => {
    const cfg = ['--cfg', 'agentpose.yaml', ...checkpoint];
    const student = await evaluate(...cfg);
    expect(await evaluate(...cfg, 'distill=null')).toEqual(student);
    expect(await evaluate('--cfg', RECIPE, ...checkpoint)).toEqual(student);
    expect(await evaluate(...cfg, 'distill.inference=agent')).toMatchObject({AP: expect.any(Number)});
  }, 120_000);

  it('has the cost of each mode in the summary', async () => {
    const macs = async (...args: string[]) => {
      const {stdout} = await run('pose-model', 'summary', '--cfg', ...args, '--json');
      return JSON.parse(stdout).totals.macs as number;
    };
    const alone = await macs(RECIPE);
    expect(await macs('agentpose.yaml')).toBe(alone);
    expect(await macs('agentpose.yaml', 'distill.inference=agent')).toBeGreaterThan(alone);
  }, 60_000);
});

describe('a mistake', () => {
  it.each([
    ['feature.yaml', 'distill.inference=agent', /distill\.inference.*distill\.method\.type=agentpose/],
    [
      'feature.yaml',
      'model.input=[64, 64]',
      /distill\.teacher\.config: teacher\.yaml has the input \[32, 32\], the student \[64, 64\]/,
    ],
    ['dwpose.yaml', 'model.head={type: simcc}', /gives \[8,8,17\], the student .*; dwpose compares outputs/],
    ['feature.yaml', 'distill.taps.teacher=stage9', /distill\.taps\.teacher: "stage9" is no layer/],
    ['agentpose.yaml', 'distill.taps.student=layer1', /"distill\.taps\.student".*refine=false/],
    ['feature.yaml', 'distill.teacher.checkpoint=nowhere', /nowhere: there is no such file or folder/],
  ])(
    'in %s is told: %s',
    async (cfg, override, message) => {
      const {code, stderr} = await run('pose-train', '--cfg', cfg, 'name=mistaken', override, '--dry-run');
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    },
    60_000,
  );
});
