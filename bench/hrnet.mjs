// One timed run of HRNet on the torch backend, in the words of the PyTorch peer: prints one JSON line.
import {parseArgs} from 'node:util';
import * as tf from '@tensorflow/tfjs';
import {valueAndGradients} from '../dist/engine/gradients.js';
import {selectBackend} from '../dist/engine/index.js';
import {withPrecision} from '../dist/engine/precision.js';
import {heatmapMse} from '../dist/losses/heatmapMse.js';
import {buildModel} from '../dist/models/registry.js';
import {createOptimizer} from '../dist/train/optimizers.js';
import {trainedParameters} from '../dist/train/parameterGroups.js';
import {median} from './median.mjs';
import {hrnet} from './networks.mjs';

const KEYPOINTS = 17;
const {values} = parseArgs({
  options: {
    mode: {type: 'string', default: 'train'},
    batch: {type: 'string', default: '8'},
    width: {type: 'string', default: '32'},
    size: {type: 'string', default: '256x192'},
    threads: {type: 'string', default: '2'},
    device: {type: 'string', default: 'cpu'},
    warmup: {type: 'string', default: '3'},
    steps: {type: 'string', default: '8'},
    amp: {type: 'boolean', default: false},
  },
});
const [height, width] = values.size.split('x').map(Number);
const [batch, channels, warmup, steps] = ['batch', 'width', 'warmup', 'steps'].map((key) =>
  Number(values[key]),
);

const head = {type: 'heatmap', sigma: 2, codec: 'msra', finalConvKernel: 1, ohkm: null};
const engine = await selectBackend({
  backend: 'torch',
  threads: Number(values.threads),
  device: values.device,
});
const model = buildModel(
  {
    name: 'bench',
    input: [height, width],
    backbone: hrnet(channels),
    head,
    initialization: 'published',
    weights: null,
  },
  KEYPOINTS,
  0,
);
const adam = {
  ...{type: 'adam', learningRate: 1e-3, betas: [0.9, 0.999], epsilon: 1e-8},
  ...{weightDecay: 0, groups: [], layerDecay: 1},
};
const optimizer = values.mode === 'train' ? createOptimizer(trainedParameters(model, adam), adam) : null;
const images = tf.randomNormal([batch, height, width, 3]);
const targets = tf.randomUniform([batch, height / 4, width / 4, KEYPOINTS]);
const weights = tf.ones([batch, KEYPOINTS]);
const parameters = model.parameters();

function train() {
  const loss = () => heatmapMse(model.forward(images)[0], targets, weights);
  const {value, gradients} = valueAndGradients(loss, parameters);
  value.dataSync();
  optimizer.step(gradients, adam.learningRate);
}

function infer() {
  tf.sum(model.forward(images)[0]).dataSync();
}

const precision = values.amp ? 'bf16' : 'fp32';
if (values.mode === 'train') model.train();
else model.freeze();
const times = [];
for (let i = 0; i < warmup + steps; i++) {
  const start = performance.now();
  withPrecision(precision, () => tf.tidy(values.mode === 'train' ? train : infer));
  if (i >= warmup) times.push(performance.now() - start);
  await new Promise(setImmediate);
}
const result = {
  engine: engine.engine,
  ...{mode: values.mode, dtype: precision, batch, threads: engine.threads},
  params: parameters.reduce((sum, {size}) => sum + size, 0),
  images_per_second: Number(((1000 * batch) / median(times)).toFixed(2)),
  peak_rss_mib: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
