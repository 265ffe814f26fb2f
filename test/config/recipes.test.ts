import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {loadConfig} from '../../src/config/load.js';
import {readMatrix} from '../../src/config/matrix.js';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {planRuns} from '../../src/train/ablation/plan.js';
import {ConfigFolder, SMALLEST} from './folder.js';

function yamlFiles(path: string): string[] {
  return readdirSync(path, {recursive: true, encoding: 'utf8'}).filter((file) => file.endsWith('.yaml'));
}

const EXPERIMENTS = join(PACKAGE_ROOT, 'experiments');
const FILES = yamlFiles(EXPERIMENTS);
const RECIPES = FILES.filter((file) => !file.includes('ablations/'));
const ABLATIONS = FILES.filter((file) => file.includes('ablations/'));

const CONFIGS = join(PACKAGE_ROOT, 'configs');
/** Keypoint sets have a schema of their own, and tests of their own. */
const PARTS = yamlFiles(CONFIGS).filter((file) => !file.startsWith('keypoints'));

const folder = new ConfigFolder();
const base = folder.write('base.yaml', SMALLEST);
afterAll(() => folder.remove());

describe('the parts that recipes extend', () => {
  it.each(PARTS)('%s fits any recipe, and sets the section that it is for', (part) => {
    const file = folder.write('recipe.yaml', `extends: [${base}, ${join(CONFIGS, part)}]\n`);
    const {sources} = loadConfig(file);
    const section = {models: 'model', datasets: 'dataset', augmentation: 'dataset', schedules: 'train'}[
      dirname(part)
    ];
    const own = [...sources]
      .filter(([, source]) => source.includes(part))
      .map(([path]) => path.split('.')[0]);
    expect(new Set(own)).toEqual(new Set([section]));
  });
});

describe('the recipes', () => {
  it.each(RECIPES)('%s loads', (recipe) => {
    expect(loadConfig(join(EXPERIMENTS, recipe)).config.name).toMatch(/^[\w-]+$/);
  });

  it.each(ABLATIONS)('%s fits the recipe of its own command', (ablation) => {
    const file = join(EXPERIMENTS, ablation);
    const [, recipe] = /--cfg experiments\/(\S+) /.exec(readFileSync(file, 'utf8'))!;
    const {runs} = planRuns(join(EXPERIMENTS, recipe), [], readMatrix(file));
    expect(runs.length).toBeGreaterThan(1);
  });

  it('have a name of their own each', () => {
    const names = RECIPES.map((recipe) => loadConfig(join(EXPERIMENTS, recipe)).config.name);
    expect(new Set(names).size).toBe(RECIPES.length);
  });

  // Sun et al. 2019, Sect. 3: widths C, 2C, 4C, 8C; 1, 4 and 3 modules of four blocks a branch.
  it.each([32, 48])('of HRNet-W%i have the published shape and training', (width) => {
    const {
      model,
      train,
      dataset,
      eval: evaluation,
    } = loadConfig(join(EXPERIMENTS, `coco/hrnet_w${width}.yaml`)).config;
    const widths = [width, 2 * width, 4 * width, 8 * width];
    const stage = (branches: number, modules: number) => ({
      modules,
      blocks: Array(branches).fill(4),
      channels: widths.slice(0, branches),
    });
    expect(model).toMatchObject({
      input: [256, 192],
      head: {type: 'heatmap', sigma: 2, codec: 'msra', finalConvKernel: 1, ohkm: null},
    });
    expect(model.backbone).toEqual({
      type: 'hrnet',
      stemChannels: 64,
      stage1: {blocks: 4, channels: 64},
      stage2: stage(2, 1),
      stage3: stage(3, 4),
      stage4: stage(4, 3),
    });
    expect(train).toMatchObject({epochs: 210, optimizer: {type: 'adam', learningRate: 1e-3}});
    expect(train.schedule).toMatchObject({
      type: 'multiStep',
      milestones: [170, 200],
      gamma: 0.1,
      warmupSteps: 0,
    });
    expect(dataset.augment).toMatchObject({flip: 0.5, rotation: 45, rotationProbability: 0.6, scale: 0.35});
    expect(dataset.augment.halfBody).toEqual({probability: 0.3, minKeypoints: 8});
    expect(evaluation).toMatchObject({
      flipTest: true,
      shiftHeatmap: null,
      keypointThreshold: 0.2,
      oksNms: 0.9,
    });
  });

  // Xiao et al. 2018, Sect. 3.1 and 3.2: 140 epochs, rotations of 40 degrees, scales of 30 %.
  it.each([50, 101, 152])('of SimpleBaseline-%i have the published shape and training', (layers) => {
    const coco = loadConfig(join(EXPERIMENTS, `coco/simple_baseline_${layers}.yaml`)).config;
    expect(coco.model).toMatchObject({
      input: [256, 192],
      backbone: {type: 'resnet', layers, channels: 64, deconvolution: [256, 256, 256]},
      head: {type: 'heatmap', sigma: 2, codec: 'msra', finalConvKernel: 1, ohkm: null},
    });
    expect(coco.train).toMatchObject({
      epochs: 140,
      optimizer: {type: 'adam', learningRate: 1e-3, weightDecay: 0},
      schedule: {type: 'multiStep', milestones: [90, 120], gamma: 0.1},
    });
    expect(coco.dataset.augment).toMatchObject({rotation: 40, scale: 0.3, halfBody: {probability: 0}});
    const mpii = loadConfig(join(EXPERIMENTS, `mpii/simple_baseline_${layers}.yaml`)).config;
    expect(mpii.model).toEqual({...coco.model, input: [256, 256]});
    expect(mpii.train).toEqual(coco.train);
    expect(mpii.dataset.augment).toMatchObject({rotation: 30, scale: 0.25, halfBody: {probability: 0}});
    expect(mpii.eval.metrics).toEqual(['pckh']);
  });

  // Jiang et al. 2023, and MMPose's files for 8 devices of 256 people, whose rate is for 1024.
  it.each([
    ['t', 0.375, 0.167, 0, 0],
    ['s', 0.5, 0.33, 0, 0.9998],
    ['m', 0.75, 0.67, 0.05, 0.9998],
    ['l', 1, 1, 0.05, 0.9998],
  ])(
    'of RTMPose-%s have the published shape and training',
    (size, widenFactor, deepenFactor, weightDecay, decay) => {
      const {model, train, dataset} = loadConfig(
        join(EXPERIMENTS, `coco/rtmpose_${size}_256x192.yaml`),
      ).config;
      expect(model).toMatchObject({
        input: [256, 192],
        backbone: {type: 'cspnext', widenFactor, deepenFactor, deconvolution: []},
        head: {
          ...{type: 'rtmcc', splitRatio: 2, sigma: [4.9, 5.66], finalConvKernel: 7, hiddenChannels: 256},
          ...{gau: {queryChannels: 128, expansion: 2}, beta: 10, labelBeta: 10},
        },
      });
      expect(train.batchSize * train.accumulate).toBe(1024);
      expect(train).toMatchObject({
        epochs: 420,
        optimizer: {type: 'adamw', learningRate: 4e-3, weightDecay},
        schedule: {type: 'flatThenCosine', flat: 0.5, floor: 0.05, warmupSteps: 1000, warmupFactor: 1e-5},
        ema: {decay},
      });
      expect(dataset.augment).toMatchObject({
        ...{flip: 0.5, rotation: 40, scale: 0.4, halfBody: {probability: 0.3}},
        ...{boxJitter: {probability: 0.3, shift: 0.16}, blur: {box: 0.1, median: 0.1}},
        coarseDropout: {probability: 1, minSize: 0.2, maxSize: 0.4},
      });
    },
  );

  it.each([2, 8])('of %i stacked hourglasses have the published shape and training', (stacks) => {
    const {model, train} = loadConfig(join(EXPERIMENTS, `mpii/hourglass_${stacks}.yaml`)).config;
    expect(model).toMatchObject({
      input: [256, 256],
      backbone: {type: 'hourglass', stacks, channels: 256},
      head: {sigma: 1},
    });
    const people = 22_246;
    const steps = (epochs: number) => (epochs * people) / train.batchSize;
    expect(train).toMatchObject({batchSize: 16, optimizer: {type: 'adam', learningRate: 1e-3}});
    expect(train.schedule.gamma).toBe(0.2);
    expect(steps(train.schedule.milestones[0])).toBeCloseTo(100_000, -3);
    expect(steps(train.epochs)).toBeCloseTo(200_000, -3);
  });
});
