import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {type Ended, runCommandLine} from './process.js';

const recipe = join(PACKAGE_ROOT, 'experiments/coco/hrnet_w32.yaml');

function poseModel(...args: string[]): Promise<Ended> {
  return runCommandLine('pose-model', args, tmpdir());
}

describe('pose-model', () => {
  // The number that the published code logs for this network.
  it('summary counts the parameters of HRNet-W32 exactly', async () => {
    const {code, stdout, stderr} = await poseModel('summary', '--cfg', recipe);
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toMatch(/^total +28,536,113 /m);
    expect(stdout).toMatch(/^final_layer +Conv2d +64×48×17 +561 /m);
  });

  it('summary takes overrides', async () => {
    const {code, stdout} = await poseModel('summary', '--cfg', recipe, 'model.head.finalConvKernel=3');
    expect(code).toBe(0);
    // 32 channels, 3×3 cells and 17 keypoints, and 17 biases.
    expect(stdout).toMatch(/^final_layer +Conv2d +64×48×17 +4,913 /m);
  });

  it('summary goes to a depth, and is one JSON object with --json', async () => {
    const {code, stdout, stderr} = await poseModel('summary', '--cfg', recipe, '--depth', '1', '--json');
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
    const {model, input, keypoints, totals, layers} = JSON.parse(stdout);
    expect({model, input, keypoints}).toEqual({model: 'hrnet_w32', input: [256, 192], keypoints: 17});
    expect(totals).toMatchObject({parameters: 28_536_113, macs: 7_645_003_776});
    expect(layers.at(-1)).toMatchObject({name: 'final_layer', type: 'Conv2d', depth: 0, parameters: 561});
    expect(layers.find(({name}: {name: string}) => name === 'stage4').parameters).toBe(20_407_232);
    const sum = layers.reduce((all: number, {macs}: {macs: number}) => all + macs, 0);
    expect(sum).toBe(totals.macs);
  });

  // As worked out by hand: deconvolutions count at their inputs.
  it.each([
    ['coco/simple_baseline_50', '34.00', '5.43', 'final_layer +Conv2d +64×48×17'],
    ['mpii/hourglass_8', '25.43', '27.44', 'outs  '],
    ['coco/rtmpose_t_256x192', '3.34', '0.355', 'head  '],
  ])('summary counts %s', async (name, megaParameters, gigaMacs, line) => {
    const file = join(PACKAGE_ROOT, `experiments/${name}.yaml`);
    const {code, stdout, stderr} = await poseModel('summary', '--cfg', file);
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toContain(`${megaParameters} M parameters`);
    expect(stdout).toContain(`${gigaMacs} GMACs`);
    expect(stdout.match(new RegExp(`^${line} `, 'gm'))).toHaveLength(1);
  });

  // At 64×48 cells: two matrices 32×32, 5×5 of 3 maps, 1×1 of 64 to 32 channels, and the prediction once more.
  it('summary tells what either way of RDPose costs', async () => {
    const file = join(PACKAGE_ROOT, 'experiments/coco/rdpose_w32_256x192.yaml');
    const {code, stdout, stderr} = await poseModel('summary', '--cfg', file, '--json');
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    const {totals, inferenceMacs} = JSON.parse(stdout);
    const [cells, plain] = [64 * 48, 7_645_003_776 + 64 * 48 * 32];
    const extra = 2 * 32 * 32 + cells * (75 + 64 * 32 + 32 * 18);
    expect(totals).toMatchObject({parameters: 28_536_113 + 4_301, macs: plain + extra});
    expect(inferenceMacs).toEqual({decoupled: plain + extra, plain});
  });

  // The same at 32×24 cells of 16 channels.
  it('summary says so in words', async () => {
    const file = join(PACKAGE_ROOT, 'experiments/synthetic/crowd_rdpose.yaml');
    const {stdout} = await poseModel('summary', '--cfg', file, 'model.head.inference=plain');
    const extra = (2 * 32 * 32 + 32 * 24 * (75 + 64 * 32 + 32 * 18)) / 1e6;
    expect(stdout).toMatch(/^model\.head\.inference: decoupled 0\.\d{3} GMACs, plain 0\.\d{3} /m);
    expect(stdout).toContain(`(${extra.toFixed(2)} M fewer)`);
  });

  it.each([
    ['a depth of 0', ['summary', '--cfg', recipe, '--depth', '0'], /--depth is 0/],
    ['no command', ['--cfg', recipe], /a command is needed: summary, import/],
    [
      'an unknown command',
      ['summarise', '--cfg', recipe],
      /unknown command "summarise"; there is: summary, import/,
    ],
    ['no recipe', ['summary'], /Missing required argument: cfg/],
  ])('refuses %s', async (_, args, problem) => {
    const {code, stdout, stderr} = await poseModel(...args);
    expect({code, stdout}).toEqual({code: 2, stdout: ''});
    expect(stderr).toMatch(/^error: pose-model: [^\n]+\n$/);
    expect(stderr).toMatch(problem);
  });
});
