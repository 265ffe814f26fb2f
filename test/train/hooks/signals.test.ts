/** @file Signals in a process: what a run is told, and that nothing listens afterwards. */
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {endsByHangup, SignalHook} from '../../../src/train/hooks/signals.js';
import {Run} from '../../../src/train/trainer.js';
import {OUTCOME} from '../steps.js';

let run: Run;
let hook: SignalHook;
let saves: number;
let said: string[];

beforeEach(() => {
  [saves, said] = [0, []];
  const save = async () => {
    saves++;
  };
  hook = new SignalHook(save, (line) => void said.push(line));
  const source = {batchesPerEpoch: 1, batches: async function* () {}};
  run = new Run({epochs: 1, source, update: () => OUTCOME, hooks: [hook]});
  hook.beforeTraining(run);
});
afterEach(() => hook.afterTraining());

/** Sends a real signal to this process and waits for it to arrive. */
async function send(signal: NodeJS.Signals): Promise<void> {
  const arrived = new Promise((resolve) => process.once(signal, resolve));
  process.kill(process.pid, signal);
  await arrived;
}

describe('a run', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ...(endsByHangup() ? ([['SIGHUP', 129]] as const) : []),
  ] as const)('is saved and stopped by %s', async (signal, code) => {
    await send(signal);
    expect(run.stopRequested).toBe(true);
    await hook.afterStep(run);
    expect(saves).toBe(1);
    expect(hook.exitCode).toBe(code);
    expect(said).toEqual([expect.stringContaining(`${signal}: saving`)]);
  });

  it('is saved once and goes on after SIGUSR1', async () => {
    await send('SIGUSR1');
    await hook.afterStep(run);
    await hook.afterStep(run);
    expect(saves).toBe(1);
    expect(run.stopRequested).toBe(false);
    expect(hook.exitCode).toBeNull();
  });

  it('is not saved without a signal', async () => {
    await hook.afterStep(run);
    expect(saves).toBe(0);
  });

  it('ends long work between two of its parts after a signal, and has no result of it then', async () => {
    const parts: number[] = [];
    const work = hook.interruptible(async (stopHere) => {
      for (let part = 0; part < 3; part++) {
        stopHere();
        parts.push(part);
      }
      return 'result';
    });
    expect(await work()).toBe('result');
    await send('SIGTERM');
    expect(await work()).toBeNull();
    expect(parts).toEqual([0, 1, 2]);
    const failing = hook.interruptible(() => Promise.reject(new Error('its own')));
    await expect(failing()).rejects.toThrow('its own');
  });

  it('leaves no listener behind', () => {
    const listeners = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGUSR1');
    const during = listeners();
    hook.afterTraining();
    expect(listeners()).toBe(during - 2);
  });
});
