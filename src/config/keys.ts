/** @file The keys that a configuration may have, read off the schema, and the nearest one to a misspelt key. */
import {z} from 'zod';
import {configSchema} from './schema.js';

/** The schema behind defaults and nulls. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable) {
    return unwrap(schema.unwrap());
  }
  return schema;
}

function collect(schema: z.core.$ZodType, path: string, keys: string[]): void {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return;
  for (const [name, member] of Object.entries(inner.shape)) {
    const below = path === '' ? name : `${path}.${name}`;
    keys.push(below);
    collect(member, below, keys);
  }
}

/** Every dotted path of the schema: sections and values. */
export const CONFIG_KEYS: readonly string[] = (() => {
  const keys: string[] = [];
  collect(configSchema, '', keys);
  return keys;
})();

/** Edit distance (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}

/** `unknown key "model.head.sigmaa"; did you mean "model.head.sigma"?` */
export function unknownKey(key: string): string {
  const lastOf = (path: string) => path.split('.').at(-1)!;
  // A key in the wrong section is nearer than its whole path says.
  const cost = (known: string) =>
    Math.min(distance(key, known), 0.5 + distance(lastOf(key), lastOf(known)) * 1.5);
  const nearest = CONFIG_KEYS.reduce((best, known) => (cost(known) < cost(best) ? known : best));
  return `unknown key "${key}"; did you mean "${nearest}"?`;
}
