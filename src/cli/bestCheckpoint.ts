/** @file The checkpoint that a command takes where none is given. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {readPointer} from '../checkpoint/retention.js';
import type {Config} from '../config/schema.js';
import {UserError} from '../errors.js';

/**
 * The best checkpoint of the configuration's own run.
 * @throws UserError 'usage' if there is none yet
 */
export async function bestCheckpoint(config: Config): Promise<string> {
  const folder = join(config.output, config.name, 'checkpoints');
  const best = existsSync(folder) ? await readPointer(folder, 'best') : null;
  if (best) return best.path;
  throw new UserError(
    'usage',
    `${folder}: there is no best checkpoint yet. Train first, or give --checkpoint FILE.`,
  );
}
