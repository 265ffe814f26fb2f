/** @file The loop: the order of what it does, where it goes on, and how it stops. */
import {describe, expect, it} from 'vitest';
import type {LoadedBatch} from '../../src/data/types.js';
import {type BatchSource, type Hook, Run, type RunOptions, type StepReport} from '../../src/train/trainer.js';
import {OUTCOME} from './steps.js';

const nothingLost = {replaced: [], work: {total: 3, reading: 1, decoding: 1, drawing: 1}};

/** Batches that say where they come from by the index of their only sample. */
function source(batchesPerEpoch: number, onEnd: () => void = () => {}): BatchSource {
  return {
    batchesPerEpoch,
    async *batches(epoch, startBatch) {
      try {
        for (let batch = startBatch; batch < batchesPerEpoch; batch++) {
          yield {samples: [{index: 100 * epoch + batch}], ...nothingLost} as unknown as LoadedBatch;
        }
      } finally {
        onEnd();
      }
    },
  };
}

/** A run that writes down all that happens in it. */
function recorded(options: Partial<RunOptions> = {}): {run: Run; log: string[]} {
  const log: string[] = [];
  const hook: Hook = {
    beforeTraining: () => void log.push('start'),
    afterStep: ({progress}) => void log.push(`step ${progress.step}, next ${progress.nextBatch}`),
    afterEpoch: ({progress}) => void log.push(`epoch ${progress.epoch}, next ${progress.nextBatch}`),
    afterTraining: () => void log.push('end'),
  };
  const run = new Run({
    epochs: 2,
    source: source(2),
    update: ({samples: [{index}]}, step) => {
      log.push(`batch ${index} as ${step}`);
      return OUTCOME;
    },
    ...options,
    hooks: [hook, ...(options.hooks ?? [])],
  });
  return {run, log};
}

describe('a run', () => {
  it('tells its hooks of everything in order', async () => {
    const {run, log} = recorded();
    await run.train();
    expect(log).toEqual([
      'start',
      'batch 0 as 0',
      'step 1, next 1',
      'batch 1 as 1',
      'step 2, next 2',
      'epoch 1, next 0',
      'batch 100 as 2',
      'step 3, next 1',
      'batch 101 as 3',
      'step 4, next 2',
      'epoch 2, next 0',
      'end',
    ]);
  });

  it('goes on inside an epoch', async () => {
    const {run, log} = recorded({progress: {step: 3, epoch: 1, nextBatch: 1}});
    await run.train();
    expect(log).toEqual(['start', 'batch 101 as 3', 'step 4, next 2', 'epoch 2, next 0', 'end']);
  });

  it('that is complete does nothing', async () => {
    const {run, log} = recorded({progress: {step: 4, epoch: 2, nextBatch: 0}});
    await run.train();
    expect(log).toEqual(['start', 'end']);
  });

  it('validates an epoch whose steps were all done before it was interrupted', async () => {
    const {run, log} = recorded({epochs: 1, progress: {step: 2, epoch: 0, nextBatch: 2}});
    await run.train();
    expect(log).toEqual(['start', 'epoch 1, next 0', 'end']);
  });

  it('stops after the step in which a hook asks for it, and lets the source go', async () => {
    let ended = 0;
    const stop: Hook = {
      afterStep: (run) => {
        run.stopRequested = run.progress.step === 1;
      },
    };
    const {run, log} = recorded({hooks: [stop], source: source(5, () => ended++)});
    await run.train();
    expect(log).toEqual(['start', 'batch 0 as 0', 'step 1, next 1', 'end']);
    expect(run.progress).toEqual({step: 1, epoch: 0, nextBatch: 1});
    expect(ended).toBe(1);
  });

  it('calls hooks one after another and waits for each', async () => {
    const order: string[] = [];
    const slow = (name: string): Hook => ({
      afterEpoch: async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push(`${name} ends`);
      },
    });
    await recorded({epochs: 1, hooks: [slow('first'), slow('second')]}).run.train();
    expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  });

  it('lets timers and signals through between steps', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const busy = () => {
      const end = performance.now() + 3;
      while (performance.now() < end);
      return OUTCOME;
    };
    await recorded({epochs: 1, source: source(5), update: busy}).run.train();
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it('passes an error of the update on, with the progress before it', async () => {
    const fail = () => {
      throw new Error('no');
    };
    const {run} = recorded({update: fail});
    await expect(run.train()).rejects.toThrow('no');
    expect(run.progress).toEqual({step: 0, epoch: 0, nextBatch: 0});
  });

  it('reports samples, loss, and times of a step', async () => {
    const reports: unknown[] = [];
    const hook: Hook = {afterStep: (_, report) => void reports.push(report)};
    await recorded({epochs: 1, source: source(1), hooks: [hook]}).run.train();
    expect(reports).toEqual([
      {
        ...OUTCOME,
        samples: 1,
        milliseconds: expect.any(Number),
        waitedMilliseconds: expect.any(Number),
        ...nothingLost,
      },
    ]);
  });

  it('makes one step of several batches, the last of an epoch of what is left', async () => {
    const steps: string[] = [];
    const update: RunOptions['update'] = ({samples: [{index}]}, step, isLast) => {
      steps.push(`batch ${index} of step ${step}${isLast ? ', the last' : ''}`);
      return isLast ? OUTCOME : null;
    };
    const {run, log} = recorded({epochs: 1, source: source(5), accumulate: 2, update});
    await run.train();
    expect(steps).toEqual([
      'batch 0 of step 0',
      'batch 1 of step 0, the last',
      'batch 2 of step 1',
      'batch 3 of step 1, the last',
      'batch 4 of step 2, the last',
    ]);
    expect(log).toEqual([
      'start',
      'step 1, next 2',
      'step 2, next 4',
      'step 3, next 5',
      'epoch 1, next 0',
      'end',
    ]);
    expect(run.totalSteps).toBe(3);
  });

  it('reports of a step the sums over its batches', async () => {
    const reports: StepReport[] = [];
    const hook: Hook = {afterStep: (_, report) => void reports.push(report)};
    const update: RunOptions['update'] = (_batch, _step, isLast) => (isLast ? OUTCOME : null);
    await recorded({epochs: 1, source: source(3), accumulate: 2, update, hooks: [hook]}).run.train();
    expect(reports.map(({samples, work}) => [samples, work.total, work.drawing])).toEqual([
      [2, 6, 2],
      [1, 3, 1],
    ]);
  });

  it('goes on from another place when a hook sends it there, and lets the source go', async () => {
    let ended = 0;
    let sent = false;
    const back: Hook = {
      afterStep: (run) => {
        if (run.progress.step !== 3 || sent) return;
        sent = true;
        run.goTo({step: 1, epoch: 0, nextBatch: 1});
      },
    };
    const {run, log} = recorded({hooks: [back], source: source(2, () => ended++)});
    await run.train();
    expect(log.filter((line) => !line.startsWith('batch'))).toEqual([
      'start',
      'step 1, next 1',
      'step 2, next 2',
      'epoch 1, next 0',
      'step 3, next 1',
      'step 2, next 2',
      'epoch 1, next 0',
      'step 3, next 1',
      'step 4, next 2',
      'epoch 2, next 0',
      'end',
    ]);
    expect(ended).toBe(4);
  });
});
