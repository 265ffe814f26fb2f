// Our loader next to the OpenCV + NumPy loader of the Python trainers, on the same images in the same run: full
// augmentation, 256x192 input, 17 heatmaps of 64x48. Each side is a process of its own, in turn; both are held to as
// many cores as they have workers (`taskset`), so that threads within a decoder count. Prints samples per second and
// CPU milliseconds a sample, medians over the rounds, and one line of JSON.
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {availableParallelism, loadavg} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {median} from '../median.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const shared = join(here, '..', '..', '..', 'shared');
const {values} = parseArgs({
  strict: false,
  options: {
    peer: {type: 'string', default: join(shared, 'bench', 'peer_loader.py')},
    root: {type: 'string', default: join(shared, 'data', 'coco')},
    annotations: {type: 'string', default: 'annotations/person_keypoints_train2017.json'},
    images: {type: 'string', default: 'images/train2017'},
    // The one for which Debian's python3-opencv is installed.
    python: {type: 'string', default: '/usr/bin/python3'},
    workers: {type: 'string', default: '1,2'},
    samples: {type: 'string', default: '1000'},
    rounds: {type: 'string', default: '5'},
    // Do not hold the sides to their cores: threads within a decoder then run on the others.
    free: {type: 'boolean', default: false},
    run: {type: 'boolean', default: false},
  },
});

// Runs the peer as it is, and adds what its processes took of the CPU between its two looks at the clock.
const PEER = `
import multiprocessing, os, runpy, sys, time
clock, marks = time.perf_counter, []

def cpu_seconds():
    pids = [os.getpid()] + [child.pid for child in multiprocessing.active_children()]
    stats = [open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf('SC_CLK_TCK')

def marked():
    marks.append(cpu_seconds())
    return clock()

time.perf_counter = marked
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
print(marks[-1] - marks[0])`;

if (values.run) await runOurs(Number(values.workers), Number(values.samples));
else main();

function main() {
  const hasPeer = existsSync(values.peer) && spawnSync(values.python, ['-c', 'import cv2']).status === 0;
  const canPin = !values.free && spawnSync('taskset', ['--version']).status === 0;
  if (!hasPeer) process.stderr.write('no peer: needs python3 with cv2 (python3-opencv) and --peer FILE\n');
  const rows = [];
  for (const workers of values.workers.split(',').map(Number)) {
    const pin = canPin && workers <= availableParallelism() ? ['taskset', '-c', `0-${workers - 1}`] : [];
    const runs = {ours: [], peer: []};
    for (let round = 0; round < Number(values.rounds); round++) {
      runs.ours.push(ours(workers, pin));
      if (hasPeer) runs.peer.push(peer(workers, pin));
    }
    rows.push(row(workers, pin.length > 0, runs));
    print(rows.at(-1));
  }
  process.stdout.write(`${JSON.stringify({part: 'loader', load: loadavg()[0], rows})}\n`);
}

/** The lines of a program's output. */
function linesOf(command) {
  const [program, ...args] = command;
  const {status, stdout} = spawnSync(program, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});
  if (status !== 0) throw new Error(`${command.join(' ')} failed`);
  return stdout.trim().split('\n');
}

function ours(workers, pin) {
  const {samples, root, annotations, images} = values;
  const options = {workers, samples, root, annotations, images};
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return JSON.parse(linesOf([...pin, process.execPath, fileURLToPath(import.meta.url), '--run', ...args])[0]);
}

function peer(workers, pin) {
  const {samples, root, annotations, images} = values;
  const sizes = ['--workers', String(workers), '--samples', samples];
  const data = [join(root, annotations), join(root, images)];
  const [report, cpu] = linesOf([...pin, values.python, '-c', PEER, values.peer, ...data, ...sizes]);
  return {...JSON.parse(report), cpu_ms: (1000 * Number(cpu)) / Number(samples)};
}

function row(workers, pinned, runs) {
  const of = (side, key) => runs[side].map((run) => run[key]);
  const figure = (key) => {
    const own = median(of('ours', key));
    const other = runs.peer.length > 0 ? median(of('peer', key)) : null;
    return {
      ours: own,
      peer: other,
      ratio: other && own / other,
      rounds: {ours: of('ours', key), peer: of('peer', key)},
    };
  };
  return {workers, pinned, samples_per_second: figure('samples_per_second'), cpu_ms: figure('cpu_ms')};
}

function print({workers, pinned, samples_per_second: speed, cpu_ms: cpu}) {
  const versus = (figure, unit) =>
    `${figure.ours.toFixed(1)} / ${figure.peer?.toFixed(1) ?? '–'} ${unit}, ratio ${figure.ratio?.toFixed(2) ?? '–'}`;
  process.stderr.write(
    `loader, ${workers} worker${workers > 1 ? 's' : ''}${pinned ? ` on ${workers} core${workers > 1 ? 's' : ''}` : ''}` +
      `, ours / peer: ${versus(speed, 'samples/s')}; ${versus(cpu, 'CPU ms a sample')}\n`,
  );
}

/** One timed run of our loader. */
async function runOurs(workers, samples) {
  const {configSchema} = await import('../../dist/config/schema.js');
  const {openDataset} = await import('../../dist/data/datasets/index.js');
  const {loadKeypointSet} = await import('../../dist/data/keypoints.js');
  const {BatchLoader} = await import('../../dist/data/loader/loader.js');
  const split = {annotations: values.annotations, images: values.images};
  const config = configSchema.shape.dataset.parse({root: values.root, train: split, val: split});
  const dataset = await openDataset(config, 'train', loadKeypointSet('coco17'));
  const loader = new BatchLoader({
    dataset,
    input: [256, 192],
    codec: {type: 'msra', input: [256, 192], stride: 4, sigma: 2, keypoints: 17},
    ...{boxPadding: config.boxPadding, augment: config.augment},
    ...{seed: 0, batchSize: 16, shuffle: true, workers, prefetch: 2 * workers},
    ...{timeoutSeconds: 60, maxBadFraction: 0},
  });
  const batches = endless(loader);
  // As the peer: a hundred samples to warm up.
  for (let seen = 0; seen < 100; ) seen += (await batches.next()).value.samples.length;
  let seen = 0;
  const started = performance.now();
  const before = process.cpuUsage();
  while (seen < samples) seen += (await batches.next()).value.samples.length;
  const seconds = (performance.now() - started) / 1000;
  const {user, system} = process.cpuUsage(before);
  await loader.close();
  process.stdout.write(
    `${JSON.stringify({samples_per_second: seen / seconds, cpu_ms: (user + system) / 1000 / seen})}\n`,
  );
}

async function* endless(loader) {
  for (let epoch = 0; ; epoch++) yield* loader.batches(epoch);
}
