/** @file The lock of a run's folder: one trainer at a time; a dead one's lock is taken over. */
import {readFileSync, rmSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {z} from 'zod';
import {UserError} from '../errors.js';
import {diskOps, type FileOps, storageError, systemErrorCode, writeDurably} from './files.js';
import {isProcessAlive, processBirth} from './processes.js';

export const LOCK_FILE = 'LOCK';
/** A lock's content follows its creation at once; one without content for longer was left by a crash. */
const SETTLE_MS = 500;
/** How long a claim on a dead owner's lock lasts, about. */
const CLAIM_MS = 20;

const ownerSchema = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  /** ISO 8601, for people. */
  started: z.string(),
  /** See processBirth. */
  birth: z.string().nullable(),
});
type Owner = z.infer<typeof ownerSchema>;

/** A lock that this process holds. */
export interface RunLock {
  readonly path: string;
  /** Gives the folder free; does nothing if the lock is no longer ours. */
  release(): Promise<void>;
  /** The same while the process ends, when nothing can be waited for. */
  releaseNow(): void;
}

/** The lock's text, or null if there is none. */
async function readLock(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw storageError(error, path);
  }
}

function parseOwner(text: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Whether the owner may still be writing; of other machines nothing is known, so they count as alive. */
async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) return true;
  if (!isProcessAlive(owner.pid)) return false;
  const birth = await processBirth(owner.pid);
  return birth === null || owner.birth === null || birth === owner.birth;
}

function refusal(path: string, owner: Owner): UserError {
  const here = owner.host === hostname();
  const remedy = here
    ? 'Wait for it, stop it, or train into another folder.'
    : `If it has ended, delete ${path} and try again.`;
  return new UserError(
    'usage',
    `${path}: another trainer writes to this folder: process ${owner.pid} on ${owner.host}, since ${owner.started}. ${remedy}`,
  );
}

/** Creates the lock with its content; false if one exists. */
async function tryCreate(path: string, text: string, ops: FileOps): Promise<boolean> {
  try {
    await writeDurably(path, [Buffer.from(text)], ops);
    return true;
  } catch (error) {
    if (error instanceof UserError && systemErrorCode(error.cause) === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the file was left by a process that is dead, or by one that died while it wrote. */
async function isAbandoned(path: string, text: string): Promise<boolean> {
  const owner = parseOwner(text);
  if (owner !== null) return !(await isAlive(owner));
  await sleep(SETTLE_MS);
  return (await readLock(path)) === text;
}

/**
 * Removes a dead owner's lock. Several processes may try at once: whoever holds the claim looks once more, for a slow
 * one would remove the lock that a faster one has taken meanwhile.
 */
async function removeAbandoned(path: string, text: string, claimant: string, ops: FileOps): Promise<void> {
  const claim = `${path}.claim`;
  if (await tryCreate(claim, claimant, ops)) {
    try {
      if ((await readLock(path)) === text) await ops.remove(path);
    } finally {
      await ops.remove(claim);
    }
    return;
  }
  await sleep(CLAIM_MS);
  const other = await readLock(claim);
  if (other !== null && (await isAbandoned(claim, other))) await ops.remove(claim);
}

/** Refuses if the lock's owner lives; otherwise removes it. */
async function clear(path: string, claimant: string, ops: FileOps): Promise<void> {
  const text = await readLock(path);
  if (text === null) return;
  if (await isAbandoned(path, text)) {
    await removeAbandoned(path, text, claimant, ops);
    return;
  }
  const owner = parseOwner(text);
  if (owner !== null) throw refusal(path, owner);
}

/**
 * Takes the lock of a run's folder, which must exist.
 * @throws UserError 'usage' naming the owner if a living process, or one of another machine, holds it; 'storage' if the
 *   folder cannot be written
 */
export async function acquireLock(folder: string, ops: FileOps = diskOps): Promise<RunLock> {
  const path = join(folder, LOCK_FILE);
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    started: new Date().toISOString(),
    birth: await processBirth(process.pid),
  };
  const text = `${JSON.stringify(owner)}\n`;
  while (!(await tryCreate(path, text, ops))) await clear(path, text, ops);
  return {
    path,
    release: async () => {
      if ((await readLock(path)) === text) await ops.remove(path);
    },
    releaseNow: () => {
      try {
        if (readFileSync(path, 'utf8') === text) rmSync(path);
      } catch {
        // A dead owner's lock is taken over.
      }
    },
  };
}
