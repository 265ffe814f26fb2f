/** @file From a YAML file and overrides to a checked configuration that knows where each of its values came from. */
import {existsSync} from 'node:fs';
import {dirname, isAbsolute, relative, resolve} from 'node:path';
import {load as parseYaml} from 'js-yaml';
import {UserError} from '../errors.js';
import {CONFIG_KEYS, SECTIONS_OF_KINDS, unknownKey} from './keys.js';
import {
  isLegacy,
  type LegacyExtras,
  type LegacyOverride,
  refusePairs,
  splitOverrides,
  type Translation,
  translateLegacy,
} from './legacy.js';
import {describeIssue} from './problems.js';
import {type Config, configSchema} from './schema.js';
import {nearestAbove, pathBelow, readYaml, type YamlFile} from './yaml.js';

type Tree = {[key: string]: unknown};

export interface LoadedConfig {
  readonly config: Config;
  /** Dotted path -> `file:line`, or the override as it was given. What is missing has its default. */
  readonly sources: ReadonlyMap<string, string>;
  /** What a file of HRNet says besides; null if there is none. */
  readonly legacy: LegacyExtras | null;
}

/** An override with a place of its own to be named in errors. */
export interface PlacedOverride {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

/** Values merged so far, and their origins. */
interface Merged {
  readonly tree: Tree;
  readonly sources: Map<string, string>;
  /** Overrides of HRNet's keys, for the files that have them. */
  readonly pairs: readonly LegacyOverride[];
  legacy: LegacyExtras | null;
}

/**
 * Reads a configuration: what its file extends, in order, then the file, then the overrides. A file with HRNet's keys is
 * translated, after HRNet's own overrides (`TEST.USE_GT_BBOX False`) were applied to it.
 * @param overrides the arguments of a command line: `key=value`, `KEY value`
 * @param placed further overrides, applied after those
 * @throws UserError 'usage' that names file, line and key of everything that is wrong
 */
export function loadConfig(
  file: string,
  overrides: readonly string[] = [],
  placed: readonly PlacedOverride[] = [],
): LoadedConfig {
  const {overrides: own, pairs} = splitOverrides(overrides);
  const merged: Merged = {tree: {}, sources: new Map(), pairs, legacy: null};
  mergeFile(merged, file, []);
  if (pairs.length > 0 && merged.legacy === null) refusePairs(pairs, file);
  for (const override of own) mergeOverride(merged, parseOverride(override));
  for (const override of placed) mergeOverride(merged, override);
  const parsed = configSchema.safeParse(merged.tree);
  const {legacy} = merged;
  if (parsed.success) return {config: parsed.data, sources: merged.sources, legacy};
  const sourceOf = (path: string) => nearestAbove(merged.sources, path) ?? file;
  const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue, merged.tree, sourceOf));
  throw new UserError('usage', problems.join('\n'));
}

/** Merges a file after the files that it extends. */
function mergeFile(target: Merged, file: string, openFiles: readonly string[]): void {
  const yaml = readYaml(file);
  if (isLegacy(yaml.content)) {
    mergeLegacy(target, translateLegacy(file, yaml, target.pairs));
    return;
  }
  const chain = [...openFiles, resolve(file)];
  for (const {path, line} of parentsOf(file, yaml)) {
    const parent = resolve(dirname(file), path);
    const where = `${file}:${line}`;
    if (chain.includes(parent)) {
      const circle = [...chain, parent].map(shownPath).join(' -> ');
      throw new UserError('usage', `${where}: "extends" comes back to where it began: ${circle}.`);
    }
    if (!existsSync(parent)) {
      throw new UserError('usage', `${where}: "extends" names ${shownPath(parent)}: there is no such file.`);
    }
    mergeFile(target, shownPath(parent), chain);
  }
  const {extends: _, ...values} = yaml.content;
  merge(target, target.tree, values, '', (path) => {
    const source = `${file}:${nearestAbove(yaml.lines, path) ?? 1}`;
    target.sources.set(path, source);
    return source;
  });
}

/** The files that a file extends, as it gives them. */
function parentsOf(file: string, {content, lines}: YamlFile): {path: string; line: number | undefined}[] {
  if (!Object.hasOwn(content, 'extends')) return [];
  const list: unknown[] = Array.isArray(content.extends) ? content.extends : [content.extends];
  return list.map((path, i) => {
    const line = nearestAbove(lines, `extends.${i}`);
    if (typeof path === 'string') return {path, line};
    throw new UserError('usage', `${file}:${line}: "extends" must be a file or a list of files.`);
  });
}

/** Relative to the working folder where it lies below it, as a user would write it. */
function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

function mergeLegacy(target: Merged, translation: Translation): void {
  const {values, ...extras} = translation;
  for (const [key, {value, source}] of values) mergeValue(target, {key, value, source});
  target.legacy = extras;
}

/** `train.batchSize=16`: a dotted path and a YAML value. */
function parseOverride(override: string): PlacedOverride {
  const at = override.indexOf('=');
  if (at < 1) {
    throw new UserError(
      'usage',
      `"${override}": overrides are written as key=value, for example train.batchSize=16.`,
    );
  }
  return {
    key: override.slice(0, at),
    value: parseValue(override, override.slice(at + 1)),
    source: `"${override}"`,
  };
}

function mergeOverride(target: Merged, override: PlacedOverride): void {
  const {key, source} = override;
  if (!CONFIG_KEYS.includes(key)) throw new UserError('usage', `${source}: ${unknownKey(key)}`);
  mergeValue(target, override);
}

/** Sets the value at a dotted path. */
function mergeValue(target: Merged, {key, value, source}: PlacedOverride): void {
  const tree = key.split('.').reduceRight<unknown>((inner, name) => ({[name]: inner}), value) as Tree;
  merge(target, target.tree, tree, '', (path) => {
    // The sections around the key stay where they were set.
    if (path === key || path.startsWith(`${key}.`)) target.sources.set(path, source);
    return source;
  });
}

function parseValue(override: string, text: string): unknown {
  if (text.trim() === '') return text;
  try {
    return parseYaml(text, {maxAliases: 0});
  } catch (error) {
    throw new UserError('usage', `"${override}": the value is not valid YAML.`, {cause: error});
  }
}

/**
 * Sections are merged, but for one of another `type` than before, where that decides which keys there are; lists and
 * single values are replaced.
 * @param tree the section of `target` that the values are for
 * @param mark notes that a path was set, and says by what
 */
function merge(target: Merged, tree: Tree, values: Tree, path: string, mark: (path: string) => string): void {
  for (const [key, value] of Object.entries(values)) {
    const below = pathBelow(path, key);
    const source = mark(below);
    // Assigning to `__proto__` would change every object of the process.
    if (key === '__proto__') throw new UserError('usage', `${source}: unknown key "${below}".`);
    if (key.includes('.')) {
      const hint = 'dots are for the command line. Write a section in a file.';
      throw new UserError('usage', `${source}: unknown key "${below}"; ${hint}`);
    }
    if (isTree(value)) {
      const old = Object.hasOwn(tree, key) ? tree[key] : undefined;
      const isReplaced = isTree(old) && isOfAnotherKind(value, old, below);
      if (isReplaced) forgetBelow(target.sources, below);
      const section = isTree(old) && !isReplaced ? old : {};
      tree[key] = section;
      merge(target, section, value, below, mark);
    } else {
      tree[key] = value;
    }
  }
}

function isOfAnotherKind(values: Tree, old: Tree, path: string): boolean {
  // A section whose type is still to come is of no kind yet.
  const [type, before] = [values, old].map((section) =>
    Object.hasOwn(section, 'type') ? section.type : undefined,
  );
  return SECTIONS_OF_KINDS.includes(path) && type !== undefined && before !== undefined && type !== before;
}

function forgetBelow(sources: Map<string, string>, path: string): void {
  for (const key of sources.keys()) if (key.startsWith(`${path}.`)) sources.delete(key);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
