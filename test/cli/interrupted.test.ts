import {readdirSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {type Ended, launcher, runCommandLine, startNode} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

const LAST = 'checkpoints/step-00000012';
const ARGS = ['--cfg', RECIPE, 'train.epochs=4', 'train.evaluateEvery=2'];

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
});
afterAll(() => folder.remove());

function train(...args: string[]): Promise<Ended> {
  return runCommandLine('pose-train', [...ARGS, ...args], folder.path);
}

/** Trains to the first progress line, and then sends the signal. */
function trainUntil(signal: NodeJS.Signals, ...args: string[]): Promise<Ended> {
  const {child, ended} = startNode([launcher('pose-train'), ...ARGS, ...args], folder.path);
  let text = '';
  child.stdout!.on('data', (chunk: string) => {
    text += chunk;
    if (!child.killed && /^epoch 1\//m.test(text)) child.kill(signal);
  });
  return ended;
}

/** The log without what depends on the time. */
function events(run: string): Record<string, unknown>[] {
  const lines = folder.read(`output/${run}/metrics.jsonl`).trimEnd().split('\n');
  return lines.map((line) => {
    const {imagesPerSecond, dataWaitShare, ...event} = JSON.parse(line);
    return event;
  });
}

const steps = (run: string) =>
  folder.list(`output/${run}/checkpoints`).filter((name) => /^step-\d+$/.test(name));

describe('a run that is told to end', () => {
  it('saves, and goes on with --resume to the same weights, bit for bit', async () => {
    expect(await train('name=whole')).toMatchObject({code: 0});

    const stopped = await trainUntil('SIGTERM', 'name=stopped');
    expect(stopped).toMatchObject({code: 143, stderr: ''});
    expect(stopped.stdout).toMatch(/^SIGTERM: saving/m);
    expect(folder.exists('output/stopped/LOCK')).toBe(false);
    const [saved] = steps('stopped');
    const {step} = JSON.parse(folder.read(`output/stopped/checkpoints/${saved}/state.json`));
    expect(step).toBeLessThan(12);
    expect(events('stopped').at(-1)!.step).toBe(step);

    // Another number of loader threads must not show in the result.
    expect(await train('name=stopped', '--resume', 'loader.workers=0')).toMatchObject({code: 0});
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const [whole, resumed] = ['whole', 'stopped'].map((run) =>
        folder.read(`output/${run}/${LAST}/${file}`),
      );
      expect(resumed === whole, file).toBe(true);
    }
    expect(events('stopped')).toEqual(events('whole'));
  }, 180_000);
});

describe('pose-train --dry-run', () => {
  it('tries everything and leaves nothing behind', async () => {
    const before = folder.list('.');
    const temporary = folder.at('temporary');
    const {code, stdout, stderr} = await startNode(
      [launcher('pose-train'), ...ARGS, 'name=dry', '--dry-run'],
      folder.path,
      {TMPDIR: folder.makeFolder('temporary')},
    ).ended;
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toMatch(/^dry run: everything works; nothing was kept$/m);
    expect(readdirSync(temporary)).toEqual([]);
    expect(folder.list('.')).toEqual([...before, 'temporary'].sort());
    expect(folder.exists('output/dry')).toBe(false);
  });
});
