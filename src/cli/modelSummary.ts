/** @file `pose-model summary`: parameters, multiply-accumulates and activations by layer. */

import type {RdposeConfig} from '../config/modelSchema.js';
import type {Config} from '../config/schema.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {selectBackend} from '../engine/index.js';
import {UserError} from '../errors.js';
import type {PoseModel} from '../models/poseModel.js';
import {RdposeHead} from '../models/rdpose/head.js';
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
  const ways = inferenceMacs(model, input);
  if (json)
    return JSON.stringify({
      ...{model: name, input, keypoints, totals},
      ...(ways && {inferenceMacs: ways}),
      layers: rows,
    });
  return `${formatSummary(rows, totals)}${ways ? inWords(ways) : ''}`.trimEnd();
}

type InferenceMacs = Readonly<Record<RdposeConfig['inference'], number>>;

/** Multiply-accumulates of either way that RDPose's head predicts; null where there is one way. */
function inferenceMacs(model: PoseModel, input: Config['model']['input']): InferenceMacs | null {
  const {head} = model;
  if (!(head instanceof RdposeHead) || head.ways.length === 1) return null;
  const macs = (inference: RdposeConfig['inference']) => {
    head.inference = inference;
    return summaryTotals(summarize(model, input)).macs;
  };
  return {decoupled: macs('decoupled'), plain: macs('plain')};
}

function inWords({decoupled, plain}: InferenceMacs): string {
  const giga = (macs: number) => (macs / 1e9).toFixed(3);
  const more = ((decoupled - plain) / 1e6).toFixed(2);
  return `model.head.inference: decoupled ${giga(decoupled)} GMACs, plain ${giga(plain)} (${more} M fewer)\n`;
}
