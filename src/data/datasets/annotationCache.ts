/**
 * @file Remembers what large annotation files hold: a file is read once, and again only when its bytes, what it is read
 * for, or the code that reads it have changed. Whatever else lies in the cache is made anew.
 */
import {createHash} from 'node:crypto';
import {createReadStream, readdirSync, readFileSync} from 'node:fs';
import {rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {diskOps, temporaryPath, writeDurably} from '../../checkpoint/files.js';
import {UserError} from '../../errors.js';
import {cacheFolder} from './cacheFolder.js';
import type {AnnotationContent, ReadContext} from './content.js';
import {decodeContent, encodeContent} from './contentCodec.js';
import {datasetType} from './types.js';

/** Smaller files are read as fast as their cache. */
const SMALLEST_BYTES = 2 ** 22;
const PIECE_BYTES = 2 ** 22;

export interface CachedContent {
  readonly content: AnnotationContent;
  /** Where it came from. */
  readonly origin: 'file' | 'cache';
}

/**
 * Reads an annotation file, or what the cache knows of it.
 * @param type `dataset.type`
 * @throws UserError as the type's `read` does; a cache that cannot be used is at most a warning
 */
export async function readAnnotations(
  type: string,
  file: string,
  context: ReadContext,
  smallestBytes = SMALLEST_BYTES,
): Promise<CachedContent> {
  const reader = datasetType(type);
  const before = await stateOf(file);
  // The reader itself tells what is wrong with a file that is not there.
  if (before === null || before.size < smallestBytes) {
    return {content: await reader.read(file, context), origin: 'file'};
  }
  const {keypointSet, category} = context;
  const use = [type, keypointSet.name, keypointSet.names, category];
  const key = digest(JSON.stringify([await digestOfFile(file), codeVersion(), use]));
  const cache = join(cacheFolder(), 'annotations', `${key}.bin`);
  const known = await readCache(cache, key);
  if (known) return {content: known, origin: 'cache'};
  const content = await reader.read(file, context);
  const after = await stateOf(file);
  // A file that was replaced meanwhile would be remembered under the key of the old one.
  if (after?.size === before.size && after.changed === before.changed) await writeCache(cache, key, content);
  return {content, origin: 'file'};
}

async function stateOf(file: string): Promise<{size: bigint; changed: bigint} | null> {
  const stats = await stat(file, {bigint: true}).catch(() => null);
  return stats && {size: stats.size, changed: stats.ctimeNs};
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function digestOfFile(file: string): Promise<string> {
  // Twice as fast as SHA-256 on processors without instructions for it; the digest is most of what a cached file costs.
  const hash = createHash('blake2b512');
  for await (const piece of createReadStream(file, {highWaterMark: PIECE_BYTES})) hash.update(piece);
  return hash.digest('hex');
}

/** The code that reads annotation files: this folder's modules and those of JSON. */
function codeVersion(): string {
  const folders = [import.meta.dirname, join(import.meta.dirname, '..', 'json')];
  const modules = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const code = modules.filter((name) => /(?<!\.d)\.[jt]s$/.test(name)).sort();
  return digest(code.map((name) => digest(readFileSync(name, 'utf8'))).join());
}

async function readCache(cache: string, key: string): Promise<AnnotationContent | null> {
  try {
    return await decodeContent(createReadStream(cache, {highWaterMark: PIECE_BYTES}), key);
  } catch {
    // Missing, torn, or another program's: made anew.
    return null;
  }
}

async function writeCache(cache: string, key: string, content: AnnotationContent): Promise<void> {
  const temporary = temporaryPath(cache);
  try {
    await diskOps.makeFolder(join(cache, '..'));
    await writeDurably(temporary, encodeContent(content, key));
    await diskOps.rename(temporary, cache);
  } catch (error) {
    await rm(temporary, {force: true}).catch(() => {});
    const reason = error instanceof UserError ? error.message : `${cache}: ${(error as Error).message}`;
    process.emitWarning(
      `annotations are read anew each time, for the cache cannot be written: ${reason} ` +
        'Set POSECRAFT_CACHE to a folder that can be.',
    );
  }
}
