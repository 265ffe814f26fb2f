// What the set-up's steps share: running commands, saying what is done, remembering what was done.
import {spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A failure with the command that mends it in its message. */
export class SetupError extends Error {}

/** One line on what is being done, or that it was done before. */
export function say(step, text) {
  process.stdout.write(`setup: ${step.padEnd(9)} ${text}\n`);
}

/** Runs a command to its end; its output is shown only when it fails. */
export function run(command, args, {fix, environment = {}} = {}) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: {...process.env, ...environment},
    maxBuffer: 64 * 2 ** 20,
  });
  if (result.status === 0) return result.stdout;
  const reason =
    result.error?.message ?? `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-25).join('\n');
  throw new SetupError(`"${command} ${args.join(' ')}" failed:\n${reason}${fix ? `\n${fix}` : ''}`);
}

/** The output of a command, or null if it does not run. */
export function ask(command, args) {
  const result = spawnSync(command, args, {cwd: ROOT, encoding: 'utf8'});
  return result.status === 0 ? result.stdout.trim() : null;
}

export function isRoot() {
  return process.getuid?.() === 0;
}

/** Installs Debian packages; only root can. */
export function aptInstall(packages) {
  const environment = {DEBIAN_FRONTEND: 'noninteractive'};
  const fix = `Install them by hand: apt-get update && apt-get install -y ${packages.join(' ')}`;
  run('apt-get', ['update', '-q'], {fix, environment});
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {fix, environment});
}

/** A digest of some files' contents, names and other facts. */
export function digest(files, ...facts) {
  const hash = createHash('sha256');
  for (const fact of facts) hash.update(`${fact}\0`);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

/** All files below a folder, in a fixed order. */
export function filesBelow(folder) {
  const entries = readdirSync(folder, {recursive: true}).map((name) => join(folder, String(name)));
  return entries.filter((path) => statSync(path).isFile()).sort();
}

/** Whether the step that leaves `stamp` was last done for the same facts. */
export function isDone(stamp, facts) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === facts;
}

export function markDone(stamp, facts) {
  mkdirSync(dirname(stamp), {recursive: true});
  writeFileSync(stamp, facts);
}

export function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
