/** @file Faults of group D, memory, as far as checkpoints are concerned: a heap that is full ends the process alone. */
import {afterAll, beforeAll, expect, it} from 'vitest';
import {FaultRuns, IS_FULL} from './runs.js';

let runs: FaultRuns;
beforeAll(async () => {
  runs = await FaultRuns.create();
});
afterAll(() => runs.remove());

it.runIf(IS_FULL)(
  'D5 a heap that is full in the third epoch leaves a run that goes on to the same end',
  async () => {
    const three = 'train.epochs=3';
    const fault = {do: 'memory', op: 'rename', path: 'eval\\.json', nth: 3};
    const {child, ended} = runs.start([three, 'name=full'], fault, ['--max-old-space-size=120']);
    const {code, stderr} = await ended;
    // V8 ends the process itself.
    expect(code ?? child.signalCode).toSatisfy((end) => end === 134 || end === 'SIGABRT');
    expect(stderr).toContain('JavaScript heap out of memory');
    // The second save begins when the first has ended.
    expect(runs.steps('full')).toContain(3);
    const outcomes = await runs.drive([
      {overrides: [three, 'name=full'], resume: true},
      {overrides: [three, 'name=straight']},
    ]);
    expect(outcomes).toEqual([{code: 0}, {code: 0}]);
    runs.expectSame('full', 'straight');
  },
  120_000,
);
