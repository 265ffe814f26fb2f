/** @file One batch through everything, before days of training: data, model, update, validation, checkpoint, report. */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Config} from '../config/schema.js';
import {trainFromConfig} from './train.js';

/** Enough for one small batch of most datasets. */
const IMAGES = 8;

/** Trains one epoch over a few images in a folder that is deleted afterwards. */
export async function dryRun(config: Config): Promise<void> {
  const output = await mkdtemp(join(tmpdir(), 'posecraft-dry-run-'));
  try {
    const train = {...config.train, epochs: 1, evaluateEvery: 1, logEvery: 1};
    const dataset = {...config.dataset, limit: IMAGES};
    await trainFromConfig({...config, output, dataset, train}, {resume: false});
  } finally {
    await rm(output, {recursive: true, force: true});
  }
}
