// Where the time of a training step goes: HRNet-W32 256x192, batch 8, with a checkpoint-less run of the real loop and hooks.
// "native" is inside libtorch's calls, "engine" TensorFlow.js and the backend around them, "loop" all the rest but waiting for data.
// npm run -s build && node bench/loop.mjs [steps]
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {loadConfig} from '../dist/config/load.js';
import {loadKeypointSet} from '../dist/data/keypoints.js';
import {selectBackend} from '../dist/engine/index.js';
import {native} from '../dist/engine/torch/native.js';
import {buildModel} from '../dist/models/registry.js';
import {stream} from '../dist/random.js';
import {RunConsole} from '../dist/report/console.js';
import {MetricsLog} from '../dist/report/metricsLog.js';
import {TopDownTask} from '../dist/tasks/topDown.js';
import {FiniteHook} from '../dist/train/hooks/finite.js';
import {LogHook} from '../dist/train/hooks/log.js';
import {LossWatchHook} from '../dist/train/hooks/lossWatch.js';
import {Learner} from '../dist/train/learner.js';
import {Run} from '../dist/train/trainer.js';
import {updateOf} from '../dist/train/update.js';

const WARM_UP = 2;
const steps = WARM_UP + Number(process.argv[2] ?? 8);
const BATCH = 8;

const {config} = loadConfig('experiments/coco/hrnet_w32.yaml', [
  'train.ema.decay=0.9998',
  'train.clipGradNorm=35',
  'train.optimizer={type: adamw, weightDecay: 0.05}',
]);
const set = loadKeypointSet('coco17');
const engine = await selectBackend(config);
const task = new TopDownTask(buildModel(config.model, 17, 0), set, config.model);
const learner = new Learner(task, config.train);

/** Milliseconds in functions of an object, from now on. */
function timed(object, names) {
  const clock = {total: 0};
  for (const name of names) {
    const original = object[name];
    object[name] = function (...args) {
      const start = performance.now();
      try {
        return original.apply(this, args);
      } finally {
        clock.total += performance.now() - start;
      }
    };
  }
  return clock;
}
const inNative = timed(native(), ['call', 'upload', 'download', 'describe', 'release']);
// What a step asks of the engine: forward and backward pass, the check, the optimiser, the average.
const inEngine = timed(learner.updater, ['add', 'finish']);
const inAverage = timed(learner.average, ['update']);

const random = stream(0, 'bench/loop');
const [height, width] = config.model.input;
const region = {center: [0, 0], size: [1, 1], rotation: 0};
const batch = {
  images: Float32Array.from({length: BATCH * height * width * 3}, () => random.normal()),
  targets: new Float32Array((BATCH * height * width * 17) / 16).fill(0.01),
  targetWeights: new Float32Array(BATCH * 17).fill(1),
  samples: Array.from({length: BATCH}, (_, index) => ({index, region, flipped: false})),
  replaced: [],
  work: {total: 0, reading: 0, decoding: 0, drawing: 0},
};

const folder = mkdtempSync(join(tmpdir(), 'bench-loop-'));
const metrics = MetricsLog.open(join(folder, 'metrics.jsonl'));
const console_ = new RunConsole({stream: {write: () => true, on: () => {}, isTTY: true, columns: 120}});
const warn = () => {};
const finite = new FiniteHook({
  ...{config: config.train.onNonFinite, runFolder: folder, seed: 0, people: [], metrics, warn},
  ...{saveStart: async () => {}, rollBack: async () => ({})},
});
const clocks = () => [performance.now(), inNative.total, inEngine.total + inAverage.total];
let begin;
const run = new Run({
  epochs: 1,
  source: {
    batchesPerEpoch: steps,
    async *batches() {
      for (let i = 0; i < steps; i++) yield batch;
    },
  },
  update: updateOf({
    updater: learner.updater,
    config: config.train,
    stepsPerEpoch: steps,
    finite,
    ahead: null,
  }),
  hooks: [
    finite,
    {afterStep: () => learner.average.update()},
    new LogHook(console_, metrics, 1),
    new LossWatchHook(warn),
    {
      afterStep: ({progress}) => {
        if (progress.step === WARM_UP) begin = clocks();
      },
    },
  ],
});
await run.train();
const [total, nativeTime, engineTime] = clocks().map((now, i) => (now - begin[i]) / (steps - WARM_UP));
rmSync(folder, {recursive: true});

const row = (name, time) =>
  `${name.padEnd(34)} ${time.toFixed(1).padStart(9)} ms  ${((100 * time) / total).toFixed(2).padStart(6)} %`;
console.log(
  `${engine.engine}, ${engine.device}, ${engine.threads} threads: ${config.model.name} ${height}x${width}, batch ${BATCH}, ${steps - WARM_UP} steps`,
);
console.log(row('step', total));
console.log(row('  libtorch', nativeTime));
console.log(row('  TensorFlow.js and kernels', engineTime - nativeTime));
console.log(row('  loop and hooks', total - engineTime));
