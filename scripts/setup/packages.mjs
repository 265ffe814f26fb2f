// npm's packages, as package-lock.json says.
import {join} from 'node:path';
import {digest, isDone, markDone, ROOT, run, SetupError, say, seconds} from './steps.mjs';

const OLDEST_NODE = [20, 17];

export function installPackages() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new SetupError(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.version}.`);
  }
  const stamp = join(ROOT, 'node_modules', '.posecraft-packages');
  const facts = digest([join(ROOT, 'package-lock.json')], process.version);
  if (isDone(stamp, facts)) return say('packages', 'up to date');
  say('packages', 'installing with npm ...');
  const start = performance.now();
  // Not `npm ci`: it refuses a lock file that lists no binaries for other platforms.
  const fix = 'Check the network, then run "npm install" by hand.';
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund'], {fix});
  markDone(stamp, facts);
  say('packages', `installed in ${seconds(start)}`);
}
