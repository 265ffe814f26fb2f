/** @file Weights as users have them: read from a `.pth`, a safetensors file, a checkpoint's folder or a pointer; written. */
import {stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {UserError} from '../errors.js';
import {diskOps, storageError, systemErrorCode, temporaryPath} from './files.js';
import {withInputFile} from './inputFile.js';
import {EMA_FILE, MODEL_FILE} from './layout.js';
import {checkHashes, readManifest} from './manifest.js';
import {readPth} from './pth.js';
import {readPointer} from './retention.js';
import {type Metadata, readSafetensors, writeSafetensors} from './safetensors.js';
import type {StateDict} from './stateDict.js';

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new UserError('usage', `${path}: there is no such file or folder; check the path.`, {cause: error});
  }
}

/** The weights of a checkpoint folder that the run validated, after their hash was checked. */
async function loadFromFolder(path: string): Promise<StateDict> {
  const manifest = await readManifest(path);
  const file = manifest.files[EMA_FILE] ? EMA_FILE : MODEL_FILE;
  await checkHashes(path, manifest, [file]);
  return (await readSafetensors(join(path, file))).tensors;
}

/** By its content: names of weight files promise little. */
async function isTorchFile(path: string): Promise<boolean> {
  return withInputFile(path, async (file) => {
    const start = Buffer.from(await file.read(0, Math.min(2, file.size)));
    return start[0] === 0x80 || start.toString('latin1') === 'PK' || /\.(pth|pt)$/.test(path);
  });
}

/**
 * Reads a state dict: from a `.pth` or `.pt` file of PyTorch's, a `.safetensors` file, a checkpoint's folder (its
 * averaged weights, where it has some; the others are in its `model.safetensors`), or a run's pointer
 * `checkpoints/best` or `checkpoints/last`.
 * @throws UserError 'usage' if it is missing, 'checkpoint' if it is damaged or none of these
 */
export async function loadWeights(path: string): Promise<StateDict> {
  const folder = await checkpointFolder(path);
  if (folder !== null) return loadFromFolder(folder);
  if (await isTorchFile(path)) return readPth(path);
  return (await readSafetensors(path)).tensors;
}

/**
 * Writes weights as a safetensors file at once: the file appears whole, in the place of one that was there, or not at all.
 * @param metadata beside the format that PyTorch's readers ask for
 * @throws UserError('storage')
 */
export async function saveWeights(
  path: string,
  weights: StateDict,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const temporary = temporaryPath(path);
  const described: Metadata = new Map(Object.entries({format: 'pt', ...metadata}));
  try {
    await diskOps.makeFolder(dirname(path));
    await writeSafetensors(temporary, weights, described);
    await diskOps.rename(temporary, path);
    await diskOps.syncFolder(dirname(path));
  } catch (error) {
    await diskOps.remove(temporary).catch(() => {});
    throw storageError(error, path);
  }
}

/** The folder of a checkpoint that is given as itself or by a pointer to it; null for a file of weights. */
export async function checkpointFolder(path: string): Promise<string | null> {
  if (await isFolder(path)) return path;
  const name = basename(path);
  if (name !== 'best' && name !== 'last') return null;
  const target = await readPointer(dirname(path), name);
  return target && checkpointFolder(target.path);
}
