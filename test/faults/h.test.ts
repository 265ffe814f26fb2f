/** @file Faults of group H, the process: signals, bugs, and a log that cannot be written. */
import {renameSync, rmSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {cases, type Fault, FaultRuns, IS_FULL} from './runs.js';

const STRAIGHT = 'straight';
const TWO = ['train.epochs=2'];

let runs: FaultRuns;
beforeAll(async () => {
  runs = await FaultRuns.create();
});
afterAll(() => runs.remove());

/** The results file is written within the validation, between its predictions and its end. */
const VALIDATION = {op: 'rename', path: 'keypoints_val_results'};
const SAVE = {op: 'write', path: 'step-00000003\\.tmp.*/optimizer', nth: 1};

/** Runs that were ended, to be gone on with by one process. */
const interrupted: string[] = [];

describe('a signal', () => {
  const SIGNALS: [what: string, code: number, fault: Fault][] = [
    ['SIGTERM in a save', 143, {do: 'SIGTERM', ...SAVE}],
    ['SIGINT in a validation', 130, {do: 'SIGINT', ...VALIDATION}],
    ['SIGINT in a save', 130, {do: 'SIGINT', ...SAVE}],
    ['SIGTERM in a validation', 143, {do: 'SIGTERM', ...VALIDATION}],
    ['SIGHUP in a save', 129, {do: 'SIGHUP', ...SAVE}],
  ];
  const chosen = cases(SIGNALS, 0, 1);
  const nameOf = (what: string) => what.replaceAll(' ', '-');

  it.each(chosen)(
    'H1 %s ends the run with %i after its step',
    async (what, code, fault) => {
      const ended = await runs.train([...TWO, `name=${nameOf(what)}`], fault);
      expect(ended).toMatchObject({code, stderr: ''});
      expect(ended.stdout).toContain(`${fault.do}: saving as soon as this step is done`);
      runs.expectTidy(nameOf(what));
      interrupted.push(nameOf(what));
    },
    120_000,
  );

  it('H1 before the first step ends the process, and the folder is free for the next', async () => {
    const {child, ended} = runs.start([...TWO, 'name=early']);
    child.stdout!.once('data', () => child.kill('SIGTERM'));
    const {code} = await ended;
    expect(code ?? child.signalCode).toSatisfy((end) => end === 143 || end === 'SIGTERM');
    interrupted.push('early');
  }, 120_000);

  it('H2 that comes twice ends the run at once; the checkpoint before is good', async () => {
    const fault: Fault = {do: 'twice', op: 'write', path: 'step-00000006\\.tmp.*/optimizer'};
    expect(await runs.train([...TWO, 'name=twice'], fault)).toMatchObject({code: 143, stderr: ''});
    expect(runs.exists('output/twice/LOCK')).toBe(false);
    expect(runs.steps('twice')).toEqual([3]);
    interrupted.push('twice');
  }, 120_000);

  it('H1 H2 at any of these moments leaves a run that goes on to the same end', async () => {
    const outcomes = await runs.drive([
      {overrides: [...TWO, `name=${STRAIGHT}`]},
      ...interrupted.map((name) => ({overrides: [...TWO, `name=${name}`], resume: true})),
    ]);
    expect(outcomes).toEqual([STRAIGHT, ...interrupted].map(() => ({code: 0})));
    for (const name of interrupted) runs.expectSame(name, STRAIGHT);
  }, 120_000);

  it.runIf(IS_FULL)('H2 SIGUSR1 saves, and the run goes on', async () => {
    const fault: Fault = {do: 'SIGUSR1', op: 'rename', path: 'data-report'};
    const more = ['train.keepCheckpoints=9', 'train.evaluateEvery=9', 'train.checkpointEvery=9'];
    const args = [...TWO, ...more, 'name=asked'];
    expect(await runs.train(args, fault)).toMatchObject({code: 0});
    expect(runs.steps('asked')).toEqual([6]);
  });

  it.runIf(IS_FULL)(
    'H2 SIGSTOP for longer than the loader’s patience changes nothing',
    async () => {
      const patience = ['loader.workers=1', 'loader.timeoutSeconds=2'];
      const {child, ended} = runs.start([...TWO, ...patience, 'name=stopped']);
      child.stdout!.once('data', async () => {
        child.kill('SIGSTOP');
        await sleep(6000);
        child.kill('SIGCONT');
      });
      expect(await ended).toMatchObject({code: 0, stderr: ''});
      runs.expectSame('stopped', STRAIGHT);
    },
    120_000,
  );
});

describe('a bug', () => {
  const BUGS: [what: string, fault: Fault, trace: RegExp][] = [
    ['an exception that nobody catches', {do: 'throw', ...VALIDATION}, /SyntaxError: .*JSON/],
    ['a rejection that nobody handles', {do: 'reject', ...VALIDATION}, /Error: rejected by nobody/],
    ['an end of the process', {do: 'exit', ...VALIDATION}, /ended in the middle of the run/],
  ];

  it.each(cases(BUGS, 0, 2))(
    'H3 such as %s ends the run with 70, its stack in a file',
    async (what, fault, trace) => {
      const name = what.replaceAll(' ', '-');
      const {code, stderr} = await runs.train([...TWO, `name=${name}`], fault);
      expect(code).toBe(70);
      expect(stderr).toContain(`What happened is also in output/${name}/crash.txt`);
      const crash = runs.read(`output/${name}/crash.txt`);
      expect(crash).toMatch(trace);
      expect(crash).toMatch(/^ {4}at /m);
      expect(runs.exists(`output/${name}/LOCK`)).toBe(false);
    },
    120_000,
  );

  it.runIf(IS_FULL)(
    'H3 leaves a run that goes on',
    async () => {
      const names = BUGS.map(([what]) => what.replaceAll(' ', '-'));
      for (const name of names) expect(runs.exists(`output/${name}/crash.txt`)).toBe(true);
      const jobs = names.map((name) => ({overrides: [...TWO, `name=${name}`], resume: true}));
      expect(await runs.drive(jobs)).toEqual(names.map(() => ({code: 0})));
      for (const name of names) runs.expectSame(name, STRAIGHT);
    },
    120_000,
  );
});

describe('a log that cannot be written', () => {
  it('H6 is warned of once, and its lines come when it can', async () => {
    const {child, ended} = runs.start(['train.epochs=12', 'name=unlogged']);
    const log = runs.at('output/unlogged/metrics.jsonl');
    /** While the process stands still. */
    const change = (action: () => void) => {
      child.kill('SIGSTOP');
      action();
      child.kill('SIGCONT');
    };
    const says = (text: RegExp) =>
      new Promise<void>((resolve) => {
        child.stdout!.on('data', (chunk: string) => {
          if (text.test(chunk)) resolve();
        });
      });
    const isWarned = says(/metrics\.jsonl: cannot be written/);
    await says(/^epoch 1 /m);
    change(() => {
      // Where a folder is no file can be opened, by root neither.
      renameSync(log, `${log}.away`);
      runs.makeFolder('output/unlogged/metrics.jsonl');
    });
    await isWarned;
    change(() => {
      rmSync(log, {recursive: true});
      renameSync(`${log}.away`, log);
    });
    const {code, stdout} = await ended;
    expect(code).toBe(0);
    expect(stdout.match(/^warning: .*metrics\.jsonl: cannot be written/gm)).toHaveLength(1);
    const steps = runs.events('unlogged').filter(({type}) => type === 'train');
    expect(steps.map(({step}) => step)).toEqual(Array.from({length: 36}, (_, i) => i + 1));
  }, 120_000);
});
