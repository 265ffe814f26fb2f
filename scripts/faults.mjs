#!/usr/bin/env node
// What `npm run test:faults [-- --group A] [--full]` does: runs the fault tests and prints passed/total by row and group.
import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, relative} from 'node:path';
import {parseArgs} from 'node:util';
import {GROUPS, ROWS} from '../test/faults/rows.mjs';
import {ROOT} from './setup/steps.mjs';
import {setUp} from './setup.mjs';

const {values} = parseArgs({options: {group: {type: 'string'}, full: {type: 'boolean', default: false}}});
const rows = ROWS.filter(([id]) => !values.group || id.startsWith(values.group.toUpperCase()));
if (rows.length === 0) {
  process.stderr.write(
    `error: there is no group "${values.group}"; there are ${Object.keys(GROUPS).join(', ')}.\n`,
  );
  process.exit(2);
}

/** The outcomes of the tests that vitest runs with these arguments; skipped ones are left out. */
function outcomesOf(...chosen) {
  const folder = mkdtempSync(join(tmpdir(), 'posecraft-faults-'));
  const report = join(folder, 'report.json');
  try {
    const args = [
      'vitest',
      'run',
      '--reporter=dot',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...chosen,
    ];
    const env = {...process.env, POSECRAFT_FAULTS: values.full ? 'full' : 'quick'};
    spawnSync('npx', args, {cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit']});
    return JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(({name, assertionResults}) =>
      assertionResults
        .filter(({status}) => status === 'passed' || status === 'failed')
        .map(({fullName, title, status}) => ({
          file: relative(ROOT, name),
          fullName,
          title,
          passed: status === 'passed',
        })),
    );
  } finally {
    rmSync(folder, {recursive: true});
  }
}

/** Ids at the head of a test's name: `A17 H5 are not …`. */
const idsOf = (title) => /^((?:[A-H]\d+ )+)/.exec(title)?.[1].trim().split(' ') ?? [];

function testsOf([id, , ...elsewhere], outcomes) {
  return outcomes.filter(
    ({file, fullName, title}) =>
      (file.startsWith('test/faults/') && idsOf(title).includes(id)) ||
      elsewhere.some((part) => part.file === file && part.pattern.test(fullName)),
  );
}

await setUp();
const files = new Set(rows.flatMap(([, , ...elsewhere]) => elsewhere.map(({file}) => file)));
const ids = rows.map(([id]) => id).join('|');
const outcomes = [...outcomesOf('test/faults/', '-t', `(^| )(${ids}) `), ...outcomesOf(...files)];
let failed = false;
for (const [group, what] of Object.entries(GROUPS)) {
  const mine = rows.filter(([id]) => id[0] === group).map((row) => ({row, tests: testsOf(row, outcomes)}));
  if (mine.length === 0) continue;
  const passedRows = mine.filter(({tests}) => tests.length > 0 && tests.every(({passed}) => passed));
  process.stdout.write(`\n${group} ${passedRows.length}/${mine.length}  ${what}\n`);
  for (const {row, tests} of mine) {
    const passed = tests.filter((test) => test.passed).length;
    process.stdout.write(`  ${row[0].padEnd(4)} ${`${passed}/${tests.length}`.padStart(7)}  ${row[1]}\n`);
    for (const test of tests) if (!test.passed) process.stdout.write(`         failed: ${test.fullName}\n`);
  }
  failed ||= passedRows.length < mine.length;
}
if (!values.full) process.stdout.write('\nThese were the quick ones; --full runs all.\n');
process.exitCode = failed ? 1 : 0;
