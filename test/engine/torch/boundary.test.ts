/** @file Whatever the native part is called with, the process lives on: thousands of calls that seldom make sense. */
import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../../src/packagePaths.js';

const PROGRAM = join(PACKAGE_ROOT, 'test/engine/torch/boundary.mjs');
const SEED = Number(process.env.POSECRAFT_SEED ?? 1);
/** KiB of address space, so that a size that could be had on a large machine is refused at once. */
const LIMIT = 4 * 1024 ** 2;

/** Runs the calls in a process of their own. @returns what is wrong, with the seed and the call; '' if nothing is */
function problemOf(what: string, runs: number): string {
  const limit = process.platform === 'linux' ? `ulimit -v ${LIMIT};` : '';
  const line = `${limit} ulimit -c 0; exec "${process.execPath}" "${PROGRAM}" ${what} ${SEED} ${runs}`;
  const options = {encoding: 'utf8', timeout: 100_000, maxBuffer: 2 ** 28} as const;
  const {status, signal, stdout, stderr} = spawnSync('bash', ['-c', line], options);
  if (status === 0) return '';
  const call = stdout.trimEnd().split('\n').at(-1);
  return `seed ${SEED}: exit code ${status}, signal ${signal}, at the call\n  ${call}\n${stderr}`;
}

describe('calls with arguments of every wrong kind', () => {
  it.each([
    ['operators of the addon', 'addon', 6000],
    ['other functions of the addon', 'functions', 3000],
    ["the backend's kernels", 'kernels', 4000],
  ])(
    'give %s a result or an error that says something, and harm nothing',
    (_, what, runs) => {
      expect(problemOf(what, runs)).toBe('');
    },
    120_000,
  );
});
