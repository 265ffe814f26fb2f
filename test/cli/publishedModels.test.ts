/** @file Runs of the published networks and heads besides HRNet's, as a user starts them: trained, gone on with, evaluated. */
import {writeFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {runCommandLine} from './process.js';
import {expectSameWhenResumed} from './resumed.js';
import {RECIPE, TinyRun} from './tinyRun.js';

const HEATMAPS = '{type: heatmap}';
const MODELS = {
  resnet: ['{type: resnet, layers: 18, channels: 4, deconvolution: [8, 8, 8]}', HEATMAPS],
  hourglass: ['{type: hourglass, stacks: 2, channels: 8}', HEATMAPS],
  rtmpose: [
    '{type: cspnext, widenFactor: 0.0625, deepenFactor: 0.167}',
    '{type: rtmcc, hiddenChannels: 16, gau: {queryChannels: 8}}',
  ],
  simcc: ['{type: resnet, layers: 18, channels: 4, deconvolution: []}', '{type: simcc}'],
};

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
  for (const [name, [backbone, head]] of Object.entries(MODELS)) {
    const model = `model:\n  name: ${name}\n  input: [64, 64]\n  backbone: ${backbone}\n  head: ${head}\n`;
    writeFileSync(folder.at(`${name}.yaml`), `extends: ${RECIPE}\nname: ${name}\n${model}`);
  }
});
afterAll(() => folder.remove());

const run = (command: string, ...args: string[]) => runCommandLine(command, args, folder.path);

describe.each(Object.keys(MODELS))('a run of %s', (name) => {
  it('stops after an epoch, goes on to where a run without a stop comes, and is evaluated', async () => {
    await expectSameWhenResumed(folder, name);
    const {code, stdout} = await run('pose-eval', '--cfg', `${name}.yaml`, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({AP: expect.any(Number)});
  }, 120_000);
});
