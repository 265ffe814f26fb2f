/** @file A run's folder, `<output>/<name>`: made, locked, and told apart from a run that is already there. */
import {existsSync} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import type {Checkpoint} from '../checkpoint/load.js';
import {acquireLock, type RunLock} from '../checkpoint/lock.js';
import {sweepTemporaries} from '../checkpoint/retention.js';
import type {Config} from '../config/schema.js';
import {UserError} from '../errors.js';
import {openCheckpoints} from './openCheckpoints.js';

export interface RunFolder {
  readonly path: string;
  readonly checkpoints: string;
  readonly lock: RunLock;
  /** From where the run goes on; null at its start. */
  readonly resumed: Checkpoint | null;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, {recursive: true});
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException;
    const isFile = code === 'EEXIST' || code === 'ENOTDIR';
    const reason = isFile ? 'a file is in the way' : message;
    const fix = 'Set "output" to a folder that can be written.';
    throw new UserError(
      isFile ? 'usage' : 'storage',
      `${path}: the run's folder cannot be made (${reason}). ${fix}`,
      {
        cause: error,
      },
    );
  }
}

/**
 * @param resume go on from the newest good checkpoint, if there is one
 * @throws UserError if the folder cannot be written, is in use, or holds a run that was not asked to go on
 */
export async function openRunFolder(
  config: Config,
  resume: boolean,
  warn: (line: string) => void,
): Promise<RunFolder> {
  const path = join(config.output, config.name);
  const checkpoints = join(path, 'checkpoints');
  await makeFolder(path);
  const lock = await acquireLock(path);
  try {
    if (!resume && existsSync(checkpoints)) {
      throw new UserError(
        'usage',
        `${path}: a run is already there. Go on with it by --resume, or give this one another name: name=…`,
      );
    }
    for (const folder of [path, join(path, 'results')]) await sweepTemporaries(folder, warn);
    const resumed = resume ? await openCheckpoints(checkpoints, warn) : null;
    return {path, checkpoints, lock, resumed};
  } catch (error) {
    await lock.release();
    throw error;
  }
}
