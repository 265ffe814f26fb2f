/** @file `pose-model import`, `export` and `average`: weights from elsewhere, for elsewhere, and the mean of several. */
import {join} from 'node:path';
import {averageWeights} from '../checkpoint/average.js';
import {type Fit, fit, translate} from '../checkpoint/import/translate.js';
import {type Checkpoint, loadCheckpoint} from '../checkpoint/load.js';
import type {StateDict} from '../checkpoint/stateDict.js';
import {checkpointFolder, loadWeights, saveWeights} from '../checkpoint/weights.js';
import {type Config, configSchema} from '../config/schema.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {UserError} from '../errors.js';

/** The names of a list on a line each, cut where there are very many. */
function listed(title: string, names: readonly string[]): string[] {
  const MOST = 40;
  if (names.length === 0) return [];
  const shown = names.slice(0, MOST).map((name) => `  ${name}`);
  const more = names.length > MOST ? [`  … and ${names.length - MOST} more`] : [];
  return [`${title} (${names.length}):`, ...shown, ...more];
}

/** Weights alone are in a file; a folder gets one. */
function targetFile(out: string): string {
  return out.endsWith('.safetensors') ? out : join(out, 'model.safetensors');
}

/** What a reader of the weights has to know of the model, as strings. */
function modelMetadata(config: Config): Record<string, string> {
  const {name, names} = loadKeypointSet(config.dataset.keypoints);
  return {
    model: JSON.stringify({...config.model, weights: null}),
    keypoints: JSON.stringify({name, names}),
  };
}

async function fitModel(weights: StateDict, config: Config, file: string): Promise<Fit> {
  // Building a model needs the engine, which takes a second to load.
  const {selectBackend} = await import('../engine/index.js');
  const {buildModel} = await import('../models/registry.js');
  const {getStateDict} = await import('../nn/stateDict.js');
  await selectBackend(config);
  const keypoints = loadKeypointSet(config.dataset.keypoints).names.length;
  const result = fit(weights, getStateDict(buildModel(config.model, keypoints, config.seed)));
  if (result.matched.size > 0) return result;
  throw new UserError(
    'checkpoint',
    `${file}: none of its arrays fits the model ${config.model.name}; give the configuration of the same network.`,
  );
}

/**
 * Translates a published file and writes what of it fills the model of `config`, or all where there is none.
 * @returns what to tell the user
 */
export async function importWeights(file: string, out: string, config: Config | null): Promise<string> {
  const {family, weights, unknown} = translate(await loadWeights(file), file);
  const result = config ? await fitModel(weights, config, file) : {matched: weights, missing: [], unused: []};
  const target = targetFile(out);
  await saveWeights(target, result.matched, config ? modelMetadata(config) : {});
  return [
    `${target}: ${result.matched.size} arrays of ${family}${config ? ` for the model ${config.model.name}` : ''}`,
    ...listed('in the file, and unknown', unknown),
    ...listed('in the file, and without a place in the model', result.unused),
    ...listed('in the model, and not filled', result.missing),
  ].join('\n');
}

/** The configuration with which a checkpoint was trained; null where it does not tell. */
function configOfCheckpoint({state}: Checkpoint): Config | null {
  const parsed = configSchema.safeParse(state.config);
  return parsed.success ? parsed.data : null;
}

/**
 * Writes the weights of a checkpoint alone: the averaged ones where it has some.
 * @param given the model's configuration, for files that do not tell it
 * @returns what to tell the user
 */
export async function exportWeights(source: string, out: string, given: Config | null): Promise<string> {
  const folder = await checkpointFolder(source);
  const target = targetFile(out);
  if (folder === null) {
    const weights = await loadWeights(source);
    await saveWeights(target, weights, given ? modelMetadata(given) : {});
    return `${target}: ${weights.size} arrays of ${source}`;
  }
  const checkpoint = await loadCheckpoint(folder);
  const config = given ?? configOfCheckpoint(checkpoint);
  const kind = checkpoint.ema ? 'averaged (EMA)' : 'model';
  const weights = checkpoint.ema ?? checkpoint.model;
  const facts = {step: String(checkpoint.step), weights: kind};
  await saveWeights(target, weights, {...(config ? modelMetadata(config) : {}), ...facts});
  return `${target}: ${weights.size} arrays, the ${kind} weights of step ${checkpoint.step}`;
}

/** Writes the mean of several weights. @returns what to tell the user */
export async function averageFiles(files: readonly string[], out: string): Promise<string> {
  if (files.length < 2) throw new UserError('usage', 'pose-model average: give at least two checkpoints.');
  const dicts = [];
  for (const file of files) dicts.push({file, weights: await loadWeights(file)});
  const target = targetFile(out);
  await saveWeights(target, averageWeights(dicts), {mean: JSON.stringify(files)});
  return `${target}: the mean of ${files.length} checkpoints`;
}
