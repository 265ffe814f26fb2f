/** @file `pose-model summary`: parameters, multiply-accumulates and activations by layer. */
import type {Config} from '../config/schema.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {selectBackend} from '../engine/index.js';
import {UserError} from '../errors.js';
import {buildModel} from '../models/registry.js';
import {formatSummary, summarize, summaryTotals, summaryTree} from '../models/summary.js';
import {withMethod} from '../tasks/topDownParts.js';

export interface SummaryOptions {
  /** Levels of the tree of names that are shown. */
  readonly depth: number;
  readonly json: boolean;
}

/** @throws UserError 'usage' if the depth is none, or the model does not fit together */
export async function modelSummary(config: Config, {depth, json}: SummaryOptions): Promise<string> {
  if (!Number.isInteger(depth) || depth < 1)
    throw new UserError('usage', `pose-model: --depth is ${depth}: give a whole number of at least 1.`);
  await selectBackend(config);
  const {name, input} = config.model;
  const keypoints = loadKeypointSet(config.dataset.keypoints).names.length;
  const model = withMethod(buildModel(config.model, keypoints, config.seed), config).deployed;
  const layers = summarize(model, input);
  const totals = summaryTotals(layers);
  const rows = summaryTree(model, layers, depth);
  if (json) return JSON.stringify({model: name, input, keypoints, totals, layers: rows});
  return formatSummary(rows, totals).trimEnd();
}
