#!/usr/bin/env node
// Whether errors of the anchor cost RDPose anything: node bench/rdposeAnchors.mjs output/rdpose
// For every network with FDM of an ablation: how far the centre found by the plain pass is from the person's own, in cells of
// the map, and the figures with the found and with the true centre as the anchor, without the flip test. Needs `npm run build`.
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {loadConfig} from '../dist/config/load.js';
import {openDataset} from '../dist/data/datasets/index.js';
import {loadKeypointSet} from '../dist/data/keypoints.js';
import {selectBackend} from '../dist/engine/index.js';
import {anchorAt, lastMapPeaks} from '../dist/models/rdpose/anchor.js';
import {markdownTable} from '../dist/report/tables.js';
import {predictPeople, scorePredictions} from '../dist/tasks/topDownEvaluation.js';
import {buildTopDown, loadCheckpointWeights, openLoader} from '../dist/tasks/topDownParts.js';
import {median} from './median.mjs';

const [folder] = process.argv.slice(2);
if (!folder || !existsSync(join(folder, 'ablation.json'))) {
  process.stderr.write('error: give the folder of the ablation, as output/rdpose.\n');
  process.exit(2);
}

/** Lets the head look where it is told, and notes where it would have looked. */
function watch(task, useTruth) {
  const {head} = task.model;
  const parts = new Map(head.members());
  const [final, decoupling] = [parts.get(head.name), parts.get('')];
  const distances = [];
  let truth = null;
  const predict = task.predict.bind(task);
  task.predict = (batch, config) => {
    const [height, width] = task.codec.targets[0].shape;
    const maps = tf.tensor4d(batch.targets, [batch.samples.length, height, width, head.keypoints + 1]);
    truth = lastMapPeaks(maps);
    return predict(batch, config);
  };
  head.forward = (features) => {
    const [, , width] = features.shape;
    const found = lastMapPeaks(final.forward(features));
    const [there, here] = [truth.dataSync(), found.dataSync()];
    for (const [i, cell] of here.entries()) {
      const rows = Math.floor(cell / width) - Math.floor(there[i] / width);
      distances.push(Math.hypot(rows, (cell % width) - (there[i] % width)));
    }
    const maps = final.forward(decoupling.forward(features, anchorAt(features, useTruth ? truth : found)));
    return [tf.slice(maps, [0, 0, 0, 0], [...maps.shape.slice(0, 3), head.keypoints])];
  };
  return distances;
}

async function figures(run, useTruth) {
  const {config} = loadConfig(join(run, 'config.yaml'));
  config.eval.flipTest = false;
  const keypoints = loadKeypointSet(config.dataset.keypoints);
  const dataset = await openDataset(config.dataset, 'val', keypoints);
  await selectBackend(config);
  const {task} = await buildTopDown({...config, model: {...config.model, weights: null}}, keypoints);
  await loadCheckpointWeights(task, join(run, 'checkpoints/last'));
  const distances = watch(task, useTruth);
  const loader = openLoader(config, dataset, task, 'evaluate');
  const predictions = await predictPeople(task, loader, dataset.people, config.eval);
  await loader.close();
  const {stats} = await scorePredictions(predictions, dataset, config.eval);
  task.model.dispose();
  return {stats, distances};
}

const {runs} = JSON.parse(readFileSync(join(folder, 'ablation.json'), 'utf8'));
const rows = [];
for (const {name, seed, variants} of runs.filter((run) => ['fdm', 'both'].includes(run.variants[0]))) {
  const run = join(folder, name);
  const [found, truly] = [await figures(run, false), await figures(run, true)];
  const {distances} = found;
  const far = distances.filter((distance) => distance > 3).length / distances.length;
  rows.push([
    ...[variants[0], String(seed), median(distances).toFixed(1), `${(100 * far).toFixed(1)} %`],
    ...['AP', 'AP_overlap'].flatMap((key) => [found, truly].map(({stats}) => stats[key].toFixed(3))),
  ]);
}
const header = ['network', 'seed', 'median distance', 'further than 3'];
for (const key of ['AP', 'AP_overlap']) header.push(`${key}, found`, `${key}, true`);
process.stdout.write(`${markdownTable(header, rows)}\n`);
