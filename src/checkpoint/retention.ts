/** @file Which checkpoints stay, the pointers `best` and `last`, and what an interrupted run left behind. */
import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {
  diskOps,
  type FileOps,
  systemErrorCode,
  temporaryOwner,
  temporaryPath,
  writeFileAtomic,
} from './files.js';
import {listSteps, type StepFolder, stepFolderName, stepOf} from './layout.js';
import {checkSizes, isDamage, readManifest} from './manifest.js';
import {isProcessAlive} from './processes.js';

export type Pointer = 'best' | 'last';

/**
 * Lets `<folder>/best` or `<folder>/last` name the checkpoint of a step. Pointers are for people and for commands that
 * are given one; resuming goes by the scan.
 * @throws UserError('storage'); the old pointer is then untouched
 */
export async function writePointer(
  folder: string,
  pointer: Pointer,
  step: number,
  ops: FileOps = diskOps,
): Promise<void> {
  await writeFileAtomic(join(folder, pointer), `${stepFolderName(step)}\n`, ops);
}

/** The checkpoint that a pointer names, whether or not it still exists; null if the pointer is missing or damaged. */
export async function readPointer(folder: string, pointer: Pointer): Promise<StepFolder | null> {
  const text = await readFile(join(folder, pointer), 'utf8').catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return '';
    throw error;
  });
  const name = text.trim();
  const step = stepOf(name);
  return step === null ? null : {step, path: join(folder, name)};
}

/** Whether a checkpoint's manifest is whole and its files have their lengths; contents are not read. */
async function looksWhole(path: string): Promise<boolean> {
  try {
    await checkSizes(path, await readManifest(path));
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

/** The newest checkpoint that looks whole: never deleted, whatever the numbers say. */
async function newestWhole(steps: readonly StepFolder[]): Promise<number | null> {
  for (const {step, path} of steps) {
    if (await looksWhole(path)) return step;
  }
  return null;
}

/**
 * Deletes all checkpoints but the newest `keep`, the best, and the newest that is whole. A folder is renamed before it
 * is deleted, so that no half of it is ever taken for a checkpoint.
 * @param best the best checkpoint's step, or null
 * @param warn is told of folders that could not be deleted; the run goes on, and the next sweep tries again
 */
export async function retainCheckpoints(
  folder: string,
  {keep, best}: {readonly keep: number; readonly best: number | null},
  warn: (message: string) => void,
  ops: FileOps = diskOps,
): Promise<void> {
  const steps = await listSteps(folder);
  const whole = await newestWhole(steps);
  // Without a whole one, none is known to be worse than another.
  if (whole === null) return;
  for (const [rank, {step, path}] of steps.entries()) {
    if (rank < keep || step === best || step >= whole) continue;
    const doomed = temporaryPath(path);
    try {
      await ops.rename(path, doomed);
      await ops.remove(doomed);
    } catch (error) {
      if (systemErrorCode(error) === null) throw error;
      warn(`${path}: an old checkpoint could not be deleted (${(error as Error).message}).`);
    }
  }
}

/**
 * Deletes the temporary files and folders that dead processes left in `folder`; call it at the start of a run, under
 * the run's lock.
 */
export async function sweepTemporaries(
  folder: string,
  warn: (message: string) => void,
  ops: FileOps = diskOps,
): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const owner = temporaryOwner(name);
    // Another process had our number before us if the nonce is not ours.
    const dead = owner !== null && !owner.own && (owner.pid === process.pid || !isProcessAlive(owner.pid));
    if (!dead) continue;
    const path = join(folder, name);
    await ops.remove(path).catch((error: unknown) => {
      if (systemErrorCode(error) === null) throw error;
      warn(`${path}: a leftover of an interrupted run could not be deleted (${(error as Error).message}).`);
    });
  }
}
