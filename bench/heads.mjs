#!/usr/bin/env node
// What RDPose's head costs at inference: HRNet 256×192 with heatmaps alone, with RDPose's head and plain inference, and with
// it and decoupled inference, in one process in turn, each frozen as by pose-eval: node bench/heads.mjs [--width 32] [--batch 8]
// Prints the median time of a batch, and the median over the rounds of its ratio to the first. Needs `npm run build`.
import {parseArgs} from 'node:util';
import * as tf from '@tensorflow/tfjs';
import {selectBackend} from '../dist/engine/index.js';
import {buildModel} from '../dist/models/registry.js';
import {markdownTable} from '../dist/report/tables.js';
import {median} from './median.mjs';
import {hrnet} from './networks.mjs';

const {values} = parseArgs({
  options: {
    width: {type: 'string', default: '32'},
    batch: {type: 'string', default: '8'},
    rounds: {type: 'string', default: '40'},
    threads: {type: 'string', default: '2'},
  },
});
const WARM_UP = 3;
const rounds = Number(values.rounds);

const heatmaps = {sigma: 2, codec: 'msra'};
const rdpose = {type: 'rdpose', ...heatmaps, decoupling: 'corrected', perturbation: {weight: 0}};
const HEADS = {
  heatmap: {type: 'heatmap', ...heatmaps, finalConvKernel: 1, ohkm: null},
  'rdpose, plain': {...rdpose, inference: 'plain'},
  'rdpose, decoupled': {...rdpose, inference: 'decoupled'},
};

await selectBackend({backend: 'torch', threads: Number(values.threads)});
const networks = Object.entries(HEADS).map(([name, head]) => {
  const config = {name, input: [256, 192], backbone: hrnet(Number(values.width)), head, weights: null};
  return {name, model: buildModel({...config, initialization: 'published'}, 17, 0).freeze(), times: []};
});
const images = tf.randomNormal([Number(values.batch), 256, 192, 3]);

for (let round = -WARM_UP; round < rounds; round++) {
  for (const {model, times} of networks) {
    const start = performance.now();
    tf.tidy(() => tf.sum(model.forward(images)[0]).dataSync());
    if (round >= 0) times.push(performance.now() - start);
  }
}

const [{times: first}] = networks;
const rows = networks.map(({name, times}) => {
  const ratio = median(times.map((time, i) => time / first[i]));
  return [name, median(times).toFixed(1), ratio.toFixed(3)];
});
process.stdout.write(`${markdownTable(['head', 'ms a batch', 'time over the first'], rows)}\n`);
