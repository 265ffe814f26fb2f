/** @file The whole program without libtorch: training, then evaluation of what it left, in plain JavaScript. */
import {afterAll, beforeAll, expect, it} from 'vitest';
import {runCommandLine} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

const FIGURES = 10;

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
});
afterAll(() => folder.remove());

/** Three steps; few blocks and channels, as the backend is slow. */
const SMALL = [
  ...['--backend', 'cpu', 'train.epochs=1', 'model.backbone.stemChannels=4'],
  ...['model.backbone.stage1={blocks: 1, channels: 4}'],
];

it('trains and evaluates on --backend cpu', async () => {
  const trained = await runCommandLine('pose-train', ['--cfg', RECIPE, ...SMALL], folder.path);
  expect(trained).toMatchObject({code: 0, stderr: ''});
  expect(trained.stdout).toMatch(/^device +cpu, 1 threads, fp32$/m);
  expect(trained.stdout).toMatch(/^versions .*, TensorFlow\.js 4\.\S+ \(backend cpu\), /m);
  const config = 'output/run/config.yaml';
  expect(folder.read(config)).toMatch(/^backend: cpu$/m);
  const evaluated = await runCommandLine('pose-eval', ['--cfg', config, '--json'], folder.path);
  expect(evaluated.code).toBe(0);
  const figures: Record<string, number> = JSON.parse(evaluated.stdout);
  expect(Object.keys(figures)).toHaveLength(FIGURES);
  // The same computation as the run's own validation, from the weights that it saved.
  expect(JSON.parse(folder.read('output/run/eval.json'))).toMatchObject(figures);
});
