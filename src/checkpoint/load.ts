/** @file Loading checkpoints: one that is named, or the newest of a run that proves whole. */
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {UserError} from '../errors.js';
import {firstNonFinite} from './elements.js';
import {diskOps, type FileOps} from './files.js';
import {EMA_FILE, listSteps, MODEL_FILE, OPTIMIZER_FILE, STATE_FILE} from './layout.js';
import {checkHashes, checkSizes, isDamage, readManifest} from './manifest.js';
import {quarantine} from './quarantine.js';
import {readSafetensors} from './safetensors.js';
import type {JsonObject} from './save.js';
import type {StateDict} from './stateDict.js';

/** A checkpoint in memory; every file had the content that was written. */
export interface Checkpoint {
  readonly path: string;
  readonly step: number;
  readonly model: StateDict;
  readonly ema: StateDict | null;
  readonly optimizer: StateDict | null;
  readonly state: JsonObject;
}

function requireFinite(dict: StateDict, path: string): void {
  for (const [name, tensor] of dict) {
    const at = firstNonFinite(tensor);
    if (at < 0) continue;
    throw new UserError(
      'checkpoint',
      `${path}: "${name}" is not finite (element ${at}): the run had diverged.`,
    );
  }
}

async function readWeights(path: string): Promise<StateDict> {
  const {tensors} = await readSafetensors(path);
  requireFinite(tensors, path);
  return tensors;
}

/**
 * Loads the checkpoint in the folder `path`.
 * @throws UserError('checkpoint') if anything at all is missing, damaged or not finite; the folder is left as it is
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const manifest = await readManifest(path);
  await checkSizes(path, manifest);
  await checkHashes(path, manifest);
  const {files, step} = manifest;
  return {
    path,
    step,
    model: await readWeights(join(path, MODEL_FILE)),
    ema: files[EMA_FILE] ? await readWeights(join(path, EMA_FILE)) : null,
    optimizer: files[OPTIMIZER_FILE] ? (await readSafetensors(join(path, OPTIMIZER_FILE))).tensors : null,
    // Its hash was checked: it is the text that the trainer gave.
    state: JSON.parse(await readFile(join(path, STATE_FILE), 'utf8')) as JsonObject,
  };
}

/** Sets a checkpoint aside and says why; a disk that refuses even that must not keep the run from going on. */
async function setAside(path: string, reason: string, ops: FileOps, warn: (message: string) => void) {
  try {
    const target = await quarantine(path, ops);
    warn(`${reason} The checkpoint was renamed to ${target}; the one before it is tried.`);
  } catch {
    warn(`${reason} The checkpoint is passed over; the one before it is tried.`);
  }
}

/**
 * Loads the highest step below `folder` that is whole. Damaged ones are renamed to `….corrupt`, so only the process
 * that holds the run's lock may call it.
 * @param warn is told of every checkpoint that was passed over, and why
 * @returns null if no checkpoint was ever finished there
 * @throws UserError('checkpoint') if there are some, and none is whole: a run never starts afresh by itself;
 *   VersionError if the newest is of another version
 */
export async function loadNewestCheckpoint(
  folder: string,
  warn: (message: string) => void,
  ops: FileOps = diskOps,
): Promise<Checkpoint | null> {
  const steps = await listSteps(folder);
  for (const {path} of steps) {
    try {
      return await loadCheckpoint(path);
    } catch (error) {
      if (!isDamage(error)) throw error;
      await setAside(path, error.message, ops, warn);
    }
  }
  if (steps.length === 0) return null;
  throw new UserError(
    'checkpoint',
    `${folder}: all ${steps.length} checkpoints are damaged, and nothing was deleted. ` +
      'Restore one from a backup, or train into another folder to start afresh.',
  );
}
