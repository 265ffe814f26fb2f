/** @file The keys that a configuration may have, read off the schema, and the nearest one to a misspelt key. */
import {z} from 'zod';
import {configSchema} from './schema.js';
import {pathBelow} from './yaml.js';

/** The schema behind defaults and nulls. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable) {
    return unwrap(schema.unwrap());
  }
  return schema;
}

/** Every path below a schema with what stands there; a path is found once for each kind of its section. */
function* members(schema: z.core.$ZodType, path: string): Generator<[string, z.core.$ZodType]> {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodDiscriminatedUnion) {
    for (const kind of inner.options) yield* members(kind, path);
  }
  if (!(inner instanceof z.ZodObject)) return;
  for (const [name, member] of Object.entries(inner.shape)) {
    const below = pathBelow(path, name);
    yield [below, unwrap(member)];
    yield* members(member, below);
  }
}

/** Every dotted path of a schema, sections and values, below a path. */
export function keysOf(schema: z.core.$ZodType, path = ''): string[] {
  return [...new Set(Array.from(members(schema, path), ([key]) => key))];
}

/** Those of a configuration. */
export const CONFIG_KEYS: readonly string[] = keysOf(configSchema);

/** Sections whose `type` decides which keys they have. */
export const SECTIONS_OF_KINDS: readonly string[] = [...members(configSchema, '')]
  .filter(([, schema]) => schema instanceof z.ZodDiscriminatedUnion)
  .map(([key]) => key);

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

/** More than this share of a key's letters changed, and the two have little to do with each other. */
const MOST_CHANGED = 0.5;

/** The names of a list that are most like `name`, the likest first. */
export function nearestNames(name: string, names: readonly string[], count: number): string[] {
  const cost = new Map(names.map((known) => [known, distance(name.toLowerCase(), known.toLowerCase())]));
  return [...cost.keys()].sort((a, b) => cost.get(a)! - cost.get(b)!).slice(0, count);
}

/** The name of the list that a misspelt one is likely to stand for; null if none is near. */
export function nearestName(name: string, names: readonly string[]): string | null {
  const cost = (known: string) => distance(name.toLowerCase(), known.toLowerCase());
  const [nearest] = [...names].sort((a, b) => cost(a) - cost(b));
  return nearest !== undefined && cost(nearest) <= MOST_CHANGED * name.length ? nearest : null;
}

/**
 * `unknown key "model.head.sigmaa"; did you mean "model.head.sigma"?` Where no key is near, the keys of the section
 * are told instead.
 * @param keys the dotted paths that there are
 */
export function unknownKey(key: string, keys = CONFIG_KEYS): string {
  const kinds = SECTIONS_OF_KINDS.find((section) => key.startsWith(`${section}.`));
  if (kinds !== undefined && keys.includes(key)) return `"${key}" belongs to another "${kinds}.type".`;
  const lastOf = (path: string) => path.split('.').at(-1)!;
  const nameCost = (known: string) => distance(lastOf(key).toLowerCase(), lastOf(known).toLowerCase());
  // A key in the wrong section is nearer than its whole path says.
  const cost = (known: string) => Math.min(distance(key, known), 0.5 + nameCost(known) * 1.5);
  const nearest = keys.reduce((best, known) => (cost(known) < cost(best) ? known : best));
  if (nameCost(nearest) <= MOST_CHANGED * lastOf(key).length) {
    return `unknown key "${key}"; did you mean "${nearest}"?`;
  }
  const section = sectionOf(key, keys);
  const place = section === '' ? 'the top level' : `"${section}"`;
  return `unknown key "${key}"; ${place} has ${namesIn(section, keys).join(', ')}.`;
}

/** The nearest section around a key that exists. */
function sectionOf(key: string, keys: readonly string[]): string {
  const parent = key.slice(0, Math.max(0, key.lastIndexOf('.')));
  return parent === '' || namesIn(parent, keys).length > 0 ? parent : sectionOf(parent, keys);
}

function namesIn(section: string, keys: readonly string[]): string[] {
  const start = section === '' ? '' : `${section}.`;
  const below = keys.filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
  return below.filter((name) => !name.includes('.'));
}
