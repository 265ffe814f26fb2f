/** @file The parts that a run is made of, opened from its configuration, and the facts that a person wants of them. */
import {freemem} from 'node:os';
import type {Config} from '../config/schema.js';
import {openDataset} from '../data/datasets/index.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {hasBfloat16} from '../engine/cpuFeatures.js';
import {type EngineInfo, selectBackend} from '../engine/index.js';
import {type LayerSummary, summarize, summaryTotals} from '../models/summary.js';
import {packageVersion} from '../packagePaths.js';
import {RunConsole} from '../report/console.js';
import {modelLine, splitLine} from '../report/tables.js';
import type {TopDownTask} from '../tasks/topDown.js';
import {buildTopDown, withTeacher} from '../tasks/topDownParts.js';
import {memoryWarning} from './memoryNeed.js';

export interface Session {
  readonly config: Config;
  readonly console: RunConsole;
  readonly engine: EngineInfo;
  readonly task: TopDownTask;
  readonly train: TopDownDataset;
  readonly val: TopDownDataset;
  readonly layers: readonly LayerSummary[];
}

/** @throws UserError if the backend, the weights or the data are not to be had */
export async function openSession(config: Config): Promise<Session> {
  const console = new RunConsole();
  // The data first: what is wrong with them shows before a large model is built.
  const keypointSet = loadKeypointSet(config.dataset.keypoints);
  const train = await openDataset(config.dataset, 'train', keypointSet);
  const val = await openDataset(config.dataset, 'val', keypointSet);
  const engine = await selectBackend(config);
  if (config.train.precision === 'bf16' && engine.device === 'cpu' && !hasBfloat16())
    console.warn('train.precision=bf16: this processor has no bfloat16 in hardware; fp32 is faster on it.');
  const {task: plain, unmatched} = await buildTopDown(config, keypointSet);
  if (unmatched.length > 0) console.warn(`${config.model.weights} did not fill ${unmatched.join(', ')}.`);
  const task = await withTeacher(plain, config, train);
  const layers = summarize(task.model.deployed, config.model.input);
  const warning = engine.device === 'cpu' ? memoryWarning(config, layers, freemem()) : null;
  if (warning) console.warn(warning);
  return {config, console, engine, task, train, val, layers};
}

function split({summary}: TopDownDataset): string {
  const rejected = Object.fromEntries(summary.rejected.map(({reason, count}) => [reason, count]));
  return splitLine({...summary, rejected});
}

/** What stands above the first step, and in the report: label and value. */
export function sessionFacts(
  {config, engine, layers, train, val}: Session,
  folder: string,
): [string, string][] {
  const {input, name} = config.model;
  return [
    ['run', folder],
    ['device', `${engine.device}, ${engine.threads} threads, ${config.train.precision}`],
    [
      'versions',
      `Posecraft ${packageVersion()}, ${engine.engine} (backend ${engine.backend}), Node ${process.versions.node}`,
    ],
    ['seed', String(config.seed)],
    ['model', modelLine({name, input, ...summaryTotals(layers)})],
    ['train', split(train)],
    ['val', `${split(val)}${config.dataset.useGroundTruthBoxes ? '' : ' (boxes of a detector)'}`],
  ];
}
