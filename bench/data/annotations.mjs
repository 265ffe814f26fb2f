#!/usr/bin/env node
// Opening an annotation file of train2017's size: written to a temporary folder, opened in a fresh process without a cache,
// then in others with it, beside Python's json.load of the same file. Prints a line a run, and all of them as one JSON line.
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {writeAnnotationFile} from './annotationFile.mjs';

const {values} = parseArgs({
  strict: false,
  options: {
    people: {type: 'string', default: '150000'},
    images: {type: 'string', default: '65000'},
    python: {type: 'string', default: 'python3'},
    json: {type: 'boolean', default: false},
  },
});
const PEER = `
import json, resource, sys, time
started = time.perf_counter()
people = len(json.load(open(sys.argv[1]))["annotations"])
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"origin": "python json.load", "people": people, "seconds": seconds, "peak_rss_mib": peak}))
`;

const folder = mkdtempSync(join(tmpdir(), 'annotations-'));
const file = join(folder, 'annotations.json');
const opener = join(dirname(fileURLToPath(import.meta.url)), 'openAnnotations.mjs');

/** The JSON line that a program prints, or null if it cannot be run. */
function run(command, args) {
  const env = {...process.env, POSECRAFT_CACHE: join(folder, 'cache')};
  const {status, stdout} = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return status === 0 ? JSON.parse(stdout) : null;
}

try {
  writeAnnotationFile(file, Number(values.people), Number(values.images));
  const mib = statSync(file).size / 2 ** 20;
  const hasPython = spawnSync(values.python, ['--version']).status === 0;
  const runs = [1, 2, 3].map(() => run(process.execPath, [opener, file]));
  if (hasPython) runs.push(run(values.python, ['-c', PEER, file]));
  const rows = runs.filter((row) => row !== null);
  if (!values.json) {
    console.log(`${values.people} people on ${values.images} images, ${mib.toFixed(0)} MiB`);
    for (const {origin, seconds, peak_rss_mib: peak} of rows) {
      console.log(
        `${origin.padEnd(18)} ${seconds.toFixed(2).padStart(6)} s ${peak.toFixed(0).padStart(6)} MiB`,
      );
    }
  }
  console.log(JSON.stringify({file_mib: mib, rows}));
} finally {
  rmSync(folder, {recursive: true});
}
