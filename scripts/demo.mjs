#!/usr/bin/env node
// What `npm run demo` does: set-up, synthetic people, a few minutes of training, and a report with pictures.
import {spawnSync} from 'node:child_process';
import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {ROOT, seconds} from './setup/steps.mjs';
import {setUp} from './setup.mjs';

const DATA = join(ROOT, 'data', 'synthetic');
const CONFIG = join('experiments', 'synthetic', 'demo.yaml');

/** Runs one of this package's commands and ends with its exit code if it fails. */
function command(name, ...args) {
  process.stdout.write(`\n$ npx ${[name, ...args].join(' ')}\n`);
  const {status} = spawnSync(process.execPath, [join(ROOT, 'bin', `${name}.js`), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

const start = performance.now();
await setUp();
if (!existsSync(join(DATA, 'annotations', 'person_keypoints_val2017.json'))) {
  command('pose-data', 'make-synthetic', '--out', 'data/synthetic', '--images', '1200', '--seed', '1');
}
// The demo starts afresh each time; a run of one's own is never deleted.
rmSync(join(ROOT, 'output', 'synthetic_demo'), {recursive: true, force: true});
command('pose-train', '--cfg', CONFIG);
process.stdout.write(`\ndemo: done in ${seconds(start)}; open output/synthetic_demo/report.html\n`);
