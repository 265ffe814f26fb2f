#!/usr/bin/env node
// What `npm test` does: set-up, then format, lint and types, then every test, TensorFlow.js's own included.
import {spawnSync} from 'node:child_process';
import {ROOT} from './setup/steps.mjs';
import {setUp} from './setup.mjs';

await setUp();
for (const [command, ...args] of [
  ['npx', 'biome', 'check', '.'],
  ['npx', 'tsc', '--noEmit'],
  ['npx', 'vitest', 'run', ...process.argv.slice(2)],
  ['npm', 'run', '--silent', 'test:tfjs'],
]) {
  process.stdout.write(`\n$ ${[command, ...args].join(' ')}\n`);
  const {status} = spawnSync(command, args, {cwd: ROOT, stdio: 'inherit'});
  if (status !== 0) process.exit(status ?? 1);
}
