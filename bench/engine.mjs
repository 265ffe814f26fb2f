#!/usr/bin/env node
// What `npm run bench:engine` does: HRNet on our engine next to the same network in PyTorch's own front end, in turn, with
// the same threads. Ratios are against the faster of the peer's memory layouts. `--json` prints the rows for machines.
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const {values} = parseArgs({
  options: {
    peer: {type: 'string', default: join(here, '..', '..', 'shared', 'bench', 'peer_hrnet.py')},
    // The one for which Debian's python3-torch is installed.
    python: {type: 'string', default: '/usr/bin/python3'},
    threads: {type: 'string', default: '2'},
    json: {type: 'boolean', default: false},
  },
});

/** The last line that a program prints, as JSON; null if it fails. */
function jsonOf(command, args) {
  const {status, stdout} = spawnSync(command, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});
  return status === 0 ? JSON.parse(stdout.trim().split('\n').at(-1)) : null;
}

function measure({name, mode, batch, width, steps}) {
  const common = [
    '--mode',
    mode,
    '--batch',
    batch,
    '--width',
    width,
    '--threads',
    values.threads,
    '--steps',
    steps,
  ];
  const ours = jsonOf(process.execPath, [join(here, 'hrnet.mjs'), ...common.map(String)]);
  if (!ours) throw new Error(`${name}: our own run failed`);
  const peers = hasPeer
    ? [[], ['--nchw']].map((layout) => jsonOf(values.python, [values.peer, ...common.map(String), ...layout]))
    : [];
  const peer = peers.filter(Boolean).sort((a, b) => b.images_per_second - a.images_per_second)[0] ?? null;
  return {name, ours, peer};
}

const hasPeer = existsSync(values.peer) && spawnSync(values.python, ['-c', 'import torch']).status === 0;
const rows = [
  {name: 'W32 training, batch 8', mode: 'train', batch: 8, width: 32, steps: 8},
  {name: 'W32 inference, batch 8', mode: 'infer', batch: 8, width: 32, steps: 8},
  {name: 'W8 training, batch 1', mode: 'train', batch: 1, width: 8, steps: 20},
].map(measure);

if (values.json) {
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} else {
  if (!hasPeer) process.stdout.write('no peer: needs python3 with torch (python3-torch) and --peer FILE\n');
  process.stdout.write('256x192, fp32            ours img/s  peer img/s  ratio  ours MiB  peer MiB\n');
  for (const {name, ours, peer} of rows) {
    const ratio = peer ? (ours.images_per_second / peer.images_per_second).toFixed(2) : '–';
    const cells = [
      [ours.images_per_second, 11],
      [peer?.images_per_second ?? '–', 12],
      [ratio, 7],
      [ours.peak_rss_mib, 10],
      [peer?.peak_rss_mib ?? '–', 10],
    ];
    const text = cells.map(([value, size]) => String(value).padStart(size)).join('');
    process.stdout.write(`${name.padEnd(24)}${text}\n`);
  }
}
