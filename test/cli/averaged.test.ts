/** @file A run with all that a step can have: interrupted and gone on with, and what pose-eval makes of its averages. */
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {readSafetensors} from '../../src/checkpoint/safetensors.js';
import {type Ended, launcher, runCommandLine, startNode} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

const LAST = 'checkpoints/step-00000008';
const ARGS = [
  ...[
    '--cfg',
    RECIPE,
    'train.epochs=4',
    'train.evaluateEvery=2',
    'train.accumulate=2',
    'train.clipGradNorm=0.01',
  ],
  'train.optimizer={type: adamw, weightDecay: 0.1, layerDecay: 0.9, groups: [{match: layer1.*, frozen: true}]}',
  'train.schedule={type: flatThenCosine, floor: 0.05, warmupSteps: 2}',
  ...['train.ema.decay=0.9', 'train.ema.warmup=3'],
  // Draws in every step.
  'model.head={type: rdpose, sigma: 1.5, perturbation: {weight: 1, consistency: 0.1}}',
];

let folder: TinyRun;
let whole: Ended;
beforeAll(async () => {
  folder = await TinyRun.create();
  whole = await train('name=whole');
}, 120_000);
afterAll(() => folder.remove());

function train(...args: string[]): Promise<Ended> {
  return runCommandLine('pose-train', [...ARGS, ...args], folder.path);
}

/** Trains to the first progress line, and then ends it. */
function trainUntilStopped(name: string): Promise<Ended> {
  const {child, ended} = startNode([launcher('pose-train'), ...ARGS, name], folder.path);
  let text = '';
  child.stdout!.on('data', (chunk: string) => {
    text += chunk;
    if (!child.killed && /^epoch 1\//m.test(text)) child.kill('SIGTERM');
  });
  return ended;
}

async function evaluate(checkpoint: string): Promise<Record<string, number>> {
  const args = ['--cfg', 'output/whole/config.yaml', '--checkpoint', checkpoint, '--json'];
  const {code, stdout} = await runCommandLine('pose-eval', args, folder.path);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

const events = (name: string): Record<string, unknown>[] =>
  folder
    .read(`output/${name}/metrics.jsonl`)
    .trimEnd()
    .split('\n')
    .map((line) => {
      const {imagesPerSecond, dataWaitShare, ...event} = JSON.parse(line);
      return event;
    });

describe('a run with AdamW, accumulation, clipping, frozen layers and averaged weights', () => {
  it('counts steps, not batches, and logs the gradient’s length', () => {
    expect(whole).toMatchObject({code: 0, stderr: ''});
    const steps = events('whole').filter(({type}) => type === 'train');
    expect(steps.map(({step}) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const {gradNorm} of steps) expect(gradNorm).toBeGreaterThan(0);
  });

  it('that is ended goes on with --resume to the same weights, averages and moments, bit for bit', async () => {
    expect(await trainUntilStopped('name=stopped')).toMatchObject({code: 143, stderr: ''});
    expect(events('stopped').at(-1)!.step).toBeLessThan(8);
    expect(await train('name=stopped', '--resume')).toMatchObject({code: 0});
    for (const file of ['model', 'ema', 'optimizer']) {
      const [straight, resumed] = ['whole', 'stopped'].map((name) =>
        folder.read(`output/${name}/${LAST}/${file}.safetensors`),
      );
      expect(resumed === straight, file).toBe(true);
    }
    expect(events('stopped')).toEqual(events('whole'));
  }, 120_000);

  it('is validated, and evaluated by pose-eval, with the averages', async () => {
    const {perKeypoint, ...figures} = JSON.parse(folder.read('output/whole/eval.json'));
    expect(await evaluate(`output/whole/${LAST}`)).toEqual(figures);
    const [model, ema] = await Promise.all(
      ['model', 'ema'].map((file) => readSafetensors(folder.at(`output/whole/${LAST}/${file}.safetensors`))),
    );
    expect([...ema.tensors.keys()]).toEqual([...model.tensors.keys()]);
    expect(ema.tensors.get('conv1.weight')).not.toEqual(model.tensors.get('conv1.weight'));
    expect(ema.tensors.get('layer1.0.conv1.weight')).toEqual(model.tensors.get('layer1.0.conv1.weight'));
  });
});

describe('a group that matches no parameter', () => {
  it('is refused with the nearest names before anything is made', async () => {
    const group = 'train.optimizer.groups=[{match: "stage5.*", frozen: true}]';
    const {code, stderr} = await train('name=none', group);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: train\.optimizer\.groups\.0\.match: "stage5\.\*" matches no parameter.*"stage4\.\*"/,
    );
    expect(folder.exists('output/none')).toBe(false);
  });
});
