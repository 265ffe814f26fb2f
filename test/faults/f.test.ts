/** @file Faults of group F, the command line: readers that go away. */
import {spawnSync} from 'node:child_process';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {FaultRuns, IS_FULL} from './runs.js';

let runs: FaultRuns;
beforeAll(async () => {
  runs = await FaultRuns.create();
});
afterAll(() => runs.remove());

it('F5 a reader that goes away after a line does not disturb the training', () => {
  const line = `${runs.shellCommand('train.epochs=2', 'name=piped')} | head -n 1; exit \${PIPESTATUS[0]}`;
  const env = {...process.env, TERM: 'dumb', NO_COLOR: '1', COLUMNS: '20'};
  const {status, stdout, stderr} = spawnSync('bash', ['-c', line], {cwd: runs.path, env, encoding: 'utf8'});
  expect({status, stderr}).toEqual({status: 0, stderr: ''});
  expect(stdout).toMatch(/^run +output\/piped\n$/);
  expect(runs.steps('piped')).toContain(6);
  expect(runs.exists('output/piped/report.html')).toBe(true);
  runs.expectTidy('piped');
}, 120_000);

it.runIf(IS_FULL)(
  'A12 the run of another process that still trains is refused with 2, and names it',
  async () => {
    const first = runs.start(['train.epochs=200', 'name=taken']);
    await new Promise((resolve) => first.child.stdout!.once('data', resolve));
    const {code, stderr} = await runs.train(['train.epochs=2', 'name=taken', '--resume']);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(code).toBe(2);
    expect(stderr).toContain(`another trainer writes to this folder: process ${first.child.pid} on `);
  },
  120_000,
);
