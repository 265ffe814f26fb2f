/** @file A teacher and its students as a user trains them: distilled, gone on with, evaluated in both modes. */
import {readFileSync, writeFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {runCommandLine} from './process.js';
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
  it('stops after an epoch, and goes on to where a run without a stop comes', async () => {
    const cfg = ['--cfg', `${name}.yaml`];
    const ended = [
      await run('pose-train', ...cfg, 'train.epochs=1'),
      await run('pose-train', ...cfg, '--resume'),
      await run('pose-train', ...cfg, `name=straight_${name}`),
    ];
    for (const {code, stderr} of ended) expect({code, stderr}).toEqual({code: 0, stderr: ''});
    const weights = (run: string) =>
      readFileSync(folder.at(`output/${run}/checkpoints/step-00000006/model.safetensors`));
    expect(weights(name).equals(weights(`straight_${name}`))).toBe(true);
  }, 120_000);
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
