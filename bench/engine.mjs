#!/usr/bin/env node
// What `npm run bench:engine` does: HRNet on our engine next to the same network in PyTorch's own front end, in turn and
// several times over, with the same threads. Each figure is the median over the rounds; ratios are against the faster of
// the peer's memory layouts. `--json` prints the rows for machines.
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {hasBfloat16} from '../dist/engine/cpuFeatures.js';
import {median} from './median.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const {values} = parseArgs({
  options: {
    peer: {type: 'string', default: join(here, '..', '..', 'shared', 'bench', 'peer_hrnet.py')},
    // The one for which Debian's python3-torch is installed.
    python: {type: 'string', default: '/usr/bin/python3'},
    threads: {type: 'string', default: '2'},
    device: {type: 'string', default: 'cpu'},
    rounds: {type: 'string', default: '5'},
    json: {type: 'boolean', default: false},
  },
});

// Training in both precisions beside each other: they are compared.
const ROWS = [
  {name: 'W32 training, batch 8, fp32', mode: 'train', batch: 8, width: 32, steps: 6},
  {name: 'W32 training, batch 8, bf16', mode: 'train', batch: 8, width: 32, steps: 6, flags: ['--amp']},
  {name: 'W32 inference, batch 8, fp32', mode: 'infer', batch: 8, width: 32, steps: 6},
  {name: 'W32 inference, batch 8, bf16', mode: 'infer', batch: 8, width: 32, steps: 6, flags: ['--amp']},
  {name: 'W8 training, batch 1, fp32', mode: 'train', batch: 1, width: 8, steps: 20},
];

const hasPeer = existsSync(values.peer) && spawnSync(values.python, ['-c', 'import torch']).status === 0;

/** The last line that a program prints, as JSON. */
function jsonOf(command, args) {
  const {status, stdout} = spawnSync(command, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** The median of what a program measured over the rounds. */
function combined(runs) {
  return {
    ...runs[0],
    images_per_second: median(runs.map((run) => run.images_per_second)),
    peak_rss_mib: median(runs.map((run) => run.peak_rss_mib)),
  };
}

/** A row of the table, which is measured once in each round. */
class Row {
  #runs = {ours: [], channels_last: [], nchw: []};
  #args;

  constructor({name, flags = [], ...sizes}) {
    const {threads, device} = values;
    this.name = name;
    this.#args = [
      ...Object.entries({...sizes, threads, device}).flatMap(([key, value]) => [`--${key}`, String(value)]),
      ...flags,
    ];
    // Where the processor only emulates bfloat16, that takes minutes.
    this.rounds = flags.length > 0 && !hasBfloat16() ? 1 : Number(values.rounds);
  }

  measure(round) {
    if (round >= this.rounds) return;
    this.#runs.ours.push(jsonOf(process.execPath, [join(here, 'hrnet.mjs'), ...this.#args]));
    if (!hasPeer) return;
    for (const layout of round === 0 ? ['channels_last', 'nchw'] : [this.#faster]) {
      const flags = layout === 'nchw' ? ['--nchw'] : [];
      this.#runs[layout].push(jsonOf(values.python, [values.peer, ...this.#args, ...flags]));
    }
  }

  get #faster() {
    const {nchw, channels_last} = this.#runs;
    return nchw[0].images_per_second > channels_last[0].images_per_second ? 'nchw' : 'channels_last';
  }

  result() {
    const peer = hasPeer ? combined(this.#runs[this.#faster]) : null;
    return {name: this.name, ours: combined(this.#runs.ours), peer};
  }
}

/** All rows in each round: a machine that is slower for a while is so for all of them. */
function measured() {
  const all = ROWS.map((row) => new Row(row));
  for (let round = 0; round < Number(values.rounds); round++) for (const row of all) row.measure(round);
  return all.map((row) => row.result());
}

const TORCH_ADD = `
import json, time, torch
torch.set_num_threads(1)
def microseconds(size):
    a, b = torch.ones(size), torch.ones(size)
    best = 1e9
    for _ in range(30):
        start = time.perf_counter()
        for _ in range(10000):
            torch.add(a, b)
        best = min(best, time.perf_counter() - start)
    return best * 100
print(json.dumps([microseconds(1), microseconds(100)]))`;

const rows = measured();
const add = {
  ours: jsonOf(process.execPath, [join(here, 'add.mjs')]),
  peer: hasPeer ? jsonOf(values.python, ['-c', TORCH_ADD]) : null,
};

function print() {
  const line = (name, ...cells) =>
    process.stdout.write(`${name.padEnd(30)}${cells.map((cell) => String(cell).padStart(12)).join('')}\n`);
  const rate = ({images_per_second}) => images_per_second.toFixed(2);
  if (!hasPeer) process.stdout.write('no peer: needs python3 with torch (python3-torch) and --peer FILE\n');
  line('HRNet, 256x192', 'ours img/s', 'peer img/s', 'ratio', 'ours MiB', 'peer MiB', 'ratio');
  for (const {name, ours, peer} of rows) {
    const ratio = (key) => (peer ? (ours[key] / peer[key]).toFixed(2) : '–');
    const memory = [ours.peak_rss_mib, peer?.peak_rss_mib ?? '–', ratio('peak_rss_mib')];
    line(name, rate(ours), peer ? rate(peer) : '–', ratio('images_per_second'), ...memory);
  }
  const [fp32, bf16] = rows.map(({ours}) => ours.images_per_second);
  process.stdout.write(`W32 training, ours in bf16 over ours in fp32: ${(bf16 / fp32).toFixed(2)}\n`);
  const micros = ([one, hundred]) =>
    `${one.toFixed(2)} µs of one element, ${hundred.toFixed(2)} µs of a hundred`;
  process.stdout.write(`tf.add, disposed: ${micros(add.ours)}\n`);
  if (add.peer) process.stdout.write(`torch.add from Python: ${micros(add.peer)}\n`);
}

if (values.json) process.stdout.write(`${JSON.stringify({rows, add})}\n`);
else print();
