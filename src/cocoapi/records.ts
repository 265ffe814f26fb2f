/** @file Reads JSON files and checks their records one by one, so that an error can name the first wrong one. */
import type {z} from 'zod';
import {JsonDocument, readRecords, readRecordsSync} from '../data/json/readRecords.js';
import {UserError} from '../errors.js';

export function problem(source: string, message: string, cause?: unknown): UserError {
  return new UserError('data', `${source}: ${message}`, {cause});
}

/** A file's content. @throws UserError if the file cannot be read or is not JSON */
export async function readJson(file: string): Promise<unknown> {
  const document = new JsonDocument();
  return document.value(await readRecords(file, document.add));
}

/** @throws UserError as readJson does */
export function readJsonSync(file: string): unknown {
  const document = new JsonDocument();
  return document.value(readRecordsSync(file, document.add));
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
