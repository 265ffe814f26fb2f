#!/usr/bin/env node
// What `npm run test:tfjs` does: runs TensorFlow.js's own specifications of a backend on the torch backend. All of them
// must pass; there is no list of exceptions. Words on the command line choose specifications whose name holds them.
import {join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import * as esbuild from 'esbuild';
import Jasmine from 'jasmine';

const here = fileURLToPath(new URL('.', import.meta.url));
// Beside the compiled modules: from there the backend finds its addon.
const bundle = join(here, '..', '..', 'dist', 'tfjs-suite.mjs');

await esbuild.build({
  entryPoints: [join(here, 'suite.js')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  mainFields: ['module', 'main'],
  // The package calls its tests free of side effects, and a bundler would drop them.
  ignoreAnnotations: true,
  external: ['jasmine-core/*', 'node-fetch'],
  banner: {
    js: "import {createRequire as forSpecs} from 'node:module';\nconst require = forSpecs(import.meta.url);",
  },
  logLevel: 'warning',
});

const counts = {passed: 0, failed: 0, pending: 0, excluded: 0};
const reporter = {
  specDone({status, fullName, failedExpectations}) {
    counts[status]++;
    if (status !== 'failed') return;
    process.stdout.write(`FAILED ${fullName}\n`);
    for (const {message} of failedExpectations) process.stdout.write(`  ${message.split('\n')[0]}\n`);
  },
};

const jasmine = new Jasmine();
jasmine.loadConfig({random: false});
jasmine.clearReporters();
jasmine.addReporter(reporter);
jasmine.exitOnCompletion = false;
await import(pathToFileURL(bundle).href);
const {overallStatus} = await jasmine.execute(undefined, process.argv.slice(2).join(' ') || undefined);
process.stdout.write(
  `TensorFlow.js's specifications on torch: ${counts.passed} passed, ${counts.failed} failed, ` +
    `${counts.pending} marked as pending by TensorFlow.js\n`,
);
// A bundle without specifications would fail none.
process.exitCode = overallStatus === 'passed' && counts.passed > 0 ? 0 : 1;
