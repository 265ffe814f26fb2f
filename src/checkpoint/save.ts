/** @file Saving a checkpoint: its folder appears complete and flushed to the disk, by one rename, or not at all. */
import {dirname, join} from 'node:path';
import {UserError} from '../errors.js';
import {diskOps, type FileDigest, type FileOps, storageError, temporaryPath, writeDurably} from './files.js';
import {
  EMA_FILE,
  listSteps,
  MANIFEST_FILE,
  MODEL_FILE,
  OPTIMIZER_FILE,
  STATE_FILE,
  stepFolderName,
} from './layout.js';
import {checkHashes, checkSizes, encodeManifest, isDamage, type Manifest, readManifest} from './manifest.js';
import {quarantine} from './quarantine.js';
import {safetensorsSize, writeSafetensors} from './safetensors.js';
import type {StateDict} from './stateDict.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** A snapshot on the host of all that a run needs to go on exactly. */
export interface CheckpointContents {
  /** Parameters and buffers. */
  readonly model: StateDict;
  /** The averaged weights, where the run keeps some. */
  readonly ema?: StateDict | null;
  readonly optimizer?: StateDict | null;
  /** step, epoch, nextIndex, seed, best, config …: the trainer's business. */
  readonly state: JsonObject;
}

/** Libraries that read safetensors for PyTorch ask for it. */
const METADATA = new Map([['format', 'pt']]);
/** Free space is asked for with a margin: others write to the same disk. */
const SPACE_FACTOR = 1.2;

function encodeState(state: JsonObject): Uint8Array {
  const text = JSON.stringify(state, (key, value: unknown) => {
    // JSON would turn them into null without a word.
    if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`state.${key} is ${value}`);
    return value;
  });
  return Buffer.from(`${text}\n`);
}

async function checkSpace(folder: string, needed: number, ops: FileOps): Promise<void> {
  const free = await ops.freeBytes(folder);
  if (free >= SPACE_FACTOR * needed) return;
  const [want, have] = [SPACE_FACTOR * needed, free].map((bytes) => (bytes / 2 ** 20).toFixed(1));
  throw new UserError(
    'storage',
    `${folder}: a checkpoint needs ${want} MiB of free disk space, and there are ${have} MiB. ` +
      'Free some space, or set "output" to another disk.',
  );
}

/** Writes all files into `folder`, which nobody reads yet; the manifest comes last. */
async function writeFiles(
  folder: string,
  step: number,
  dicts: readonly [string, StateDict][],
  state: Uint8Array,
  ops: FileOps,
): Promise<Manifest> {
  const digests: Record<string, FileDigest> = {};
  for (const [name, dict] of dicts) {
    digests[name] = await writeSafetensors(join(folder, name), dict, METADATA, ops);
  }
  digests[STATE_FILE] = await writeDurably(join(folder, STATE_FILE), [state], ops);
  const manifest = {step, files: digests as Manifest['files']};
  await writeDurably(join(folder, MANIFEST_FILE), [Buffer.from(encodeManifest(manifest))], ops);
  for (const [name, {bytes}] of Object.entries(digests)) {
    const path = join(folder, name);
    const actual = await ops.size(path);
    if (actual !== bytes) {
      throw new UserError(
        'storage',
        `${path}: has ${actual} bytes after ${bytes} were written; check the disk.`,
      );
    }
  }
  await ops.syncFolder(folder);
  return manifest;
}

/** Whether the step is already there with the very same content: its save was complete, but could not tell so. */
async function isSavedAlready(path: string, manifest: Manifest, ops: FileOps): Promise<boolean> {
  const known = (await listSteps(dirname(path))).some((step) => step.path === path);
  if (!known) return false;
  let existing: Manifest;
  try {
    existing = await readManifest(path);
    await checkSizes(path, existing);
    await checkHashes(path, existing);
  } catch (error) {
    if (!isDamage(error)) throw error;
    await quarantine(path, ops);
    return false;
  }
  if (encodeManifest(existing) === encodeManifest(manifest)) return true;
  throw new UserError(
    'storage',
    `${path}: another checkpoint of this step exists; it was kept, and the new one was not saved. ` +
      'Move it away, or train into another folder.',
  );
}

/**
 * Saves the checkpoint of `step` below `folder` (a run's `checkpoints/`, made if it is missing). Whenever it is
 * interrupted, the step is either there and complete, or not there; earlier ones are not touched.
 * @returns the new folder, `<folder>/step-00012000`
 * @throws UserError('storage'): nothing new is visible then, or the step is complete but perhaps not yet flushed; in
 *   both cases the same call may be repeated
 */
export async function saveCheckpoint(
  folder: string,
  step: number,
  contents: CheckpointContents,
  ops: FileOps = diskOps,
): Promise<string> {
  const path = join(folder, stepFolderName(step));
  const temporary = temporaryPath(path);
  const {model, ema, optimizer} = contents;
  const dicts: [string, StateDict][] = [[MODEL_FILE, model]];
  if (ema) dicts.push([EMA_FILE, ema]);
  if (optimizer) dicts.push([OPTIMIZER_FILE, optimizer]);
  const state = encodeState(contents.state);
  const bytes = dicts.reduce((sum, [, dict]) => sum + safetensorsSize(dict, METADATA), state.length);
  try {
    await ops.makeFolder(folder);
    await checkSpace(folder, bytes, ops);
    await ops.makeFolder(temporary);
    const manifest = await writeFiles(temporary, step, dicts, state, ops);
    if (await isSavedAlready(path, manifest, ops)) await ops.remove(temporary);
    else await ops.rename(temporary, path);
    await ops.syncFolder(folder);
    return path;
  } catch (error) {
    await ops.remove(temporary).catch(() => {});
    throw storageError(error, path);
  }
}
