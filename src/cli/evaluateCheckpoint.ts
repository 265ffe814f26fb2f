/** @file `pose-eval --cfg`: evaluates a checkpoint on the validation split. */
import {join} from 'node:path';
import type {Config} from '../config/schema.js';
import {openDataset} from '../data/datasets/index.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {selectBackend} from '../engine/index.js';
import {keypointTable} from '../report/metricTables.js';
import {type Evaluation, predictPeople, scorePredictions} from '../tasks/topDownEvaluation.js';
import {checkMetrics} from '../tasks/topDownFigures.js';
import {buildTopDown, loadCheckpointWeights, openLoader} from '../tasks/topDownParts.js';
import {writeEvaluation} from '../train/hooks/evaluate.js';
import {bestCheckpoint} from './bestCheckpoint.js';

function inJson({stats, perKeypoint}: Evaluation, byKeypoint: boolean): string {
  return `${JSON.stringify(byKeypoint ? {...stats, perKeypoint} : stats)}\n`;
}

function inWords({table, perKeypoint}: Evaluation, byKeypoint: boolean): string {
  return byKeypoint ? `${table}\n\n${keypointTable(perKeypoint)}\n` : `${table}\n`;
}

/** Prints the figures, and writes them and the results into the run's folder. */
export async function evaluateCheckpoint(
  config: Config,
  {checkpoint, json, perKeypoint}: {checkpoint?: string; json: boolean; perKeypoint: boolean},
): Promise<void> {
  const path = checkpoint ?? (await bestCheckpoint(config));
  const keypointSet = loadKeypointSet(config.dataset.keypoints);
  checkMetrics(config.eval, keypointSet);
  const dataset = await openDataset(config.dataset, 'val', keypointSet);
  await selectBackend(config);
  // The checkpoint fills the whole model; what the run started from is not asked for.
  const {task} = await buildTopDown({...config, model: {...config.model, weights: null}}, keypointSet);
  await loadCheckpointWeights(task, path);
  task.model.freeze();
  const loader = openLoader(config, dataset, task, 'evaluate');
  try {
    const predictions = await predictPeople(task, loader, dataset.people, config.eval);
    const evaluation = await scorePredictions(predictions, dataset, config.eval);
    await writeEvaluation(join(config.output, config.name), evaluation);
    if (evaluation.note) process.stderr.write(`${evaluation.note}\n`);
    process.stdout.write(json ? inJson(evaluation, perKeypoint) : inWords(evaluation, perKeypoint));
  } finally {
    await loader.close();
  }
}
