/** @file MANIFEST.json: what a checkpoint consists of, by which any damage to it is found. */
import {createHash} from 'node:crypto';
import {readFile, stat} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {z} from 'zod';
import {UserError} from '../errors.js';
import {type FileDigest, systemErrorCode} from './files.js';
import {FormatError, withFileName} from './formatError.js';
import {withInputFile} from './inputFile.js';
import {EMA_FILE, MANIFEST_FILE, MODEL_FILE, OPTIMIZER_FILE, STATE_FILE, stepOf} from './layout.js';

const FORMAT_VERSION = 1;

const digest = z.strictObject({
  bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifestSchema = z.strictObject({
  step: z.number().int().nonnegative(),
  files: z.strictObject({
    [MODEL_FILE]: digest,
    [EMA_FILE]: digest.optional(),
    [OPTIMIZER_FILE]: digest.optional(),
    [STATE_FILE]: digest,
  }),
});

/** What is common to every version: `sha256` is that of the content's JSON, so that damage never looks like a version. */
const envelopeSchema = z.strictObject({version: z.number(), sha256: z.string(), content: z.unknown()});

export type Manifest = z.infer<typeof manifestSchema>;
export type CheckpointFile = keyof Manifest['files'];

/** A whole checkpoint of another version of the format: not damaged, but not for this program. */
export class VersionError extends UserError {}

/** Whether an error says that a checkpoint cannot be used any more, rather than that we may not or cannot read it. */
export function isDamage(error: unknown): error is UserError {
  if (!(error instanceof UserError) || error instanceof VersionError) return false;
  return error.kind === 'checkpoint' || error.kind === 'storage';
}

function checksum(version: number, content: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([version, content]))
    .digest('hex');
}

/** The manifest's text. */
export function encodeManifest(content: Manifest): string {
  const envelope = {version: FORMAT_VERSION, sha256: checksum(FORMAT_VERSION, content), content};
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError('is not valid JSON');
  }
}

/**
 * Checks a manifest's text and takes it apart.
 * @throws FormatError if it is damaged; VersionError, which names `path`, if it is whole but of another version
 */
export function parseManifest(text: string, path: string): Manifest {
  const envelope = envelopeSchema.safeParse(parseJson(text));
  if (!envelope.success) throw new FormatError('is not a manifest of a checkpoint');
  const {version, sha256, content} = envelope.data;
  const actual = checksum(version, content);
  if (actual !== sha256)
    throw new FormatError(`is damaged: its content has the SHA-256 ${actual}, not ${sha256}`);
  if (version !== FORMAT_VERSION) {
    throw new VersionError(
      'checkpoint',
      `${path}: has format version ${version}, and this Posecraft reads version ${FORMAT_VERSION}. ` +
        'Use the version of Posecraft that wrote it.',
    );
  }
  const manifest = manifestSchema.safeParse(content);
  if (!manifest.success) throw new FormatError(`lacks something: ${manifest.error.issues[0].message}`);
  return manifest.data;
}

/** The text of a checkpoint's small file; a missing one is damage, as the folder appeared with all its files. */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw new FormatError('is missing');
    throw error;
  }
}

/**
 * Reads a checkpoint folder's manifest.
 * @throws UserError('checkpoint') if it is missing, damaged, or of another step than the folder's name says;
 *   VersionError if it is whole, but of another version
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
  return withFileName(path, async () => {
    const manifest = parseManifest(await readText(path), path);
    const step = stepOf(basename(folder));
    // A folder that was copied under another name is fine.
    if (step !== null && step !== manifest.step) {
      throw new FormatError(`belongs to step ${manifest.step}, not to step ${step}`);
    }
    return manifest;
  });
}

async function fileSize(path: string): Promise<number> {
  const stats = await stat(path).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') throw new FormatError('is missing');
    throw error;
  });
  return stats.size;
}

/** The files that a manifest lists. */
export function listedFiles(manifest: Manifest): [CheckpointFile, FileDigest][] {
  return Object.entries(manifest.files).filter(([, file]) => file !== undefined) as [
    CheckpointFile,
    FileDigest,
  ][];
}

/** @throws UserError('checkpoint') if a listed file is missing or has another length */
export async function checkSizes(folder: string, manifest: Manifest): Promise<void> {
  for (const [name, {bytes}] of listedFiles(manifest)) {
    const path = join(folder, name);
    await withFileName(path, async () => {
      const actual = await fileSize(path);
      if (actual !== bytes) throw new FormatError(`has ${actual} bytes, not the ${bytes} that were written`);
    });
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await withInputFile(path, async (file) => {
    for await (const piece of file.pieces()) hash.update(piece);
  });
  return hash.digest('hex');
}

/** @throws UserError('checkpoint') if the content of one of `names` (by default all) is not what was written */
export async function checkHashes(
  folder: string,
  manifest: Manifest,
  names: readonly CheckpointFile[] = listedFiles(manifest).map(([name]) => name),
): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    const expected = manifest.files[name]?.sha256;
    const actual = await hashFile(path);
    if (actual !== expected) {
      throw new UserError(
        'checkpoint',
        `${path}: is damaged: it has the SHA-256 ${actual}, not ${expected} as written.`,
      );
    }
  }
}
