/** @file Reads JSON files and checks their records one by one, so that an error can name the first wrong one. */
import {readFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import type {z} from 'zod';
import {UserError} from '../errors.js';

export function problem(source: string, message: string, cause?: unknown): UserError {
  return new UserError('data', `${source}: ${message}`, {cause});
}

/** @throws UserError if the file cannot be read or is not JSON */
export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw unreadable(file, error);
  });
  return parse(text, file);
}

/** @throws UserError as readJson does */
export function readJsonSync(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error as Error);
  }
  return parse(text, file);
}

function unreadable(file: string, error: Error): UserError {
  return problem(file, `cannot be read (${error.message}). Correct the path.`, error);
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const hint = 'It may be incomplete: download or write it again.';
    throw problem(file, `is not JSON (${(error as Error).message}). ${hint}`, error);
  }
}

/** How errors name a record: `annotations[3] (id 17)`. */
export function recordName(list: string, index: number, record: unknown): string {
  const id = (record as {id?: unknown} | null)?.id;
  return id === undefined ? `${list}[${index}]` : `${list}[${index}] (id ${id})`;
}

/** A schema, and a quick look that lets most of what fits it pass; whatever it does not know is left to the schema. */
export interface RecordCheck {
  readonly schema: z.ZodType;
  readonly isPlain: (record: Readonly<Record<string, unknown>>) => boolean;
}

/** Finite numbers, `count` of them if it is given. */
export function areNumbers(value: unknown, count?: number): boolean {
  if (!Array.isArray(value) || (count !== undefined && value.length !== count)) return false;
  for (let i = 0; i < value.length; i++) if (!Number.isFinite(value[i])) return false;
  return true;
}

/**
 * The records themselves, once every one of them has proved to fit the schema.
 * @throws UserError that names the first one that does not
 */
export function checkedRecords<T>(
  source: string,
  list: string,
  records: readonly unknown[],
  {schema, isPlain}: RecordCheck,
): T[] {
  records.forEach((record, i) => {
    if (typeof record === 'object' && record !== null && isPlain(record as Record<string, unknown>)) return;
    const result = schema.safeParse(record);
    if (result.success) return;
    const {path, message} = result.error.issues[0];
    const key = path.length > 0 ? `"${path.join('.')}": ` : '';
    throw problem(source, `${recordName(list, i, record)}: ${key}${message}.`);
  });
  return records as T[];
}
