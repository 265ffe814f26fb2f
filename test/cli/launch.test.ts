/** @file The launcher: as many decoding threads as cores, set before the first of them starts. */
import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {runNode, startNode} from './process.js';

const program = `
  require(${JSON.stringify(join(PACKAGE_ROOT, 'bin', 'launch.js'))}).launch('nothing');
  process.stdout.write(process.env.UV_THREADPOOL_SIZE);`;

it('lets libuv have a thread a core, and leaves what the user set', async () => {
  const {stdout, stderr, code} = await runNode(['-e', program], '.');
  expect(stdout).toBe(String(Math.max(4, availableParallelism())));
  expect(stderr).toMatch(/not built yet/);
  expect(code).toBe(2);
  const chosen = await startNode(['-e', program], '.', {UV_THREADPOOL_SIZE: '7'}).ended;
  expect(chosen.stdout).toBe('7');
});
