/** @file Looks at single values of a record, of which nothing is known yet. */
import type {Box} from '../types.js';

export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export function isNumberList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isNumber);
}

export function isBox(value: unknown): value is Box {
  return isNumberList(value) && value.length === 4;
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** How findings name a record: `annotations[3] (id 17)`. */
export function recordName(list: string, index: number, record: unknown): string {
  const id = isObject(record) ? record.id : undefined;
  return id === undefined ? `${list}[${index}]` : `${list}[${index}] (id ${JSON.stringify(id)})`;
}

/** A value as a message quotes it, cut where it is long. */
export function shown(value: unknown): string {
  // JSON has no infinity, which 1e400 becomes.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'missing');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** `"bbox" is "12"` */
export function flawOf(record: Fields, key: string): string {
  return key in record ? `"${key}" is ${shown(record[key])}` : `"${key}" is missing`;
}
