#!/usr/bin/env node
// What `npm run bench:data` does: the parts of bench/data one after another. Each prints lines for people on stderr and
// one line of JSON on stdout. Options go to every part that knows them; `--only loader` runs one.
import {spawnSync} from 'node:child_process';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const here = join(dirname(fileURLToPath(import.meta.url)), 'data');
const options = process.argv.slice(2);
const only = options.indexOf('--only');
const parts = only < 0 ? ['loader', 'evaluation', 'annotations'] : options.splice(only, 2).slice(1);

for (const part of parts) {
  const {status} = spawnSync(process.execPath, [join(here, `${part}.mjs`), ...options], {stdio: 'inherit'});
  if (status !== 0) process.exitCode = 1;
}
