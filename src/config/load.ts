/** @file From a YAML file and overrides to a checked configuration that knows where each of its values came from. */
import {dirname, resolve} from 'node:path';
import {load as parseYaml} from 'js-yaml';
import type {z} from 'zod';
import {UserError} from '../errors.js';
import {CONFIG_KEYS, unknownKey} from './keys.js';
import {type Config, configSchema} from './schema.js';
import {readYaml} from './yaml.js';

type Tree = {[key: string]: unknown};

export interface LoadedConfig {
  readonly config: Config;
  /** Dotted path -> `file:line`, or the override as it was given. What is missing has its default. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Values merged so far, and their origins. */
interface Merged {
  readonly tree: Tree;
  readonly sources: Map<string, string>;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sections are merged; lists and single values are replaced. */
function merge(target: Merged, values: Tree, sourceOf: (path: string) => string, path = ''): void {
  for (const [key, value] of Object.entries(values)) {
    const below = path === '' ? key : `${path}.${key}`;
    const old = child(target.tree, path)[key];
    if (isTree(value) && (old === undefined || isTree(old))) {
      if (old === undefined) child(target.tree, path)[key] = {};
      target.sources.set(below, sourceOf(below));
      merge(target, value, sourceOf, below);
    } else {
      child(target.tree, path)[key] = value;
      target.sources.set(below, sourceOf(below));
    }
  }
}

function child(tree: Tree, path: string): Tree {
  return path === '' ? tree : path.split('.').reduce((node, key) => node[key] as Tree, tree);
}

/** Merges a file after the files that it extends. */
function mergeFile(target: Merged, file: string, openFiles: readonly string[]): void {
  if (openFiles.includes(resolve(file))) {
    const chain = [...openFiles, file].join(' -> ');
    throw new UserError('usage', `${file}: "extends" comes back to a file that it began from: ${chain}.`);
  }
  const {content, lines} = readYaml(file);
  const {extends: parents = [], ...values} = content;
  const list = Array.isArray(parents) ? parents : [parents];
  for (const parent of list) {
    if (typeof parent !== 'string') {
      throw new UserError(
        'usage',
        `${file}:${lines.get('extends')}: "extends" must be a file or a list of files.`,
      );
    }
    mergeFile(target, resolve(dirname(file), parent), [...openFiles, resolve(file)]);
  }
  merge(target, values, (path) => `${file}:${lines.get(path) ?? 1}`);
}

/** `train.batchSize=16`: a dotted path and a YAML value. */
function mergeOverride(target: Merged, override: string): void {
  const at = override.indexOf('=');
  if (at < 1) {
    throw new UserError(
      'usage',
      `"${override}": overrides are written as key=value, for example train.batchSize=16.`,
    );
  }
  const key = override.slice(0, at);
  if (!CONFIG_KEYS.includes(key)) throw new UserError('usage', `"${override}": ${unknownKey(key)}`);
  const keys = key.split('.');
  const value = parseValue(override, override.slice(at + 1));
  const tree = keys.reduceRight<unknown>((inner, name) => ({[name]: inner}), value) as Tree;
  merge(target, tree, () => `"${override}"`);
}

function parseValue(override: string, text: string): unknown {
  if (text.trim() === '') return text;
  try {
    return parseYaml(text);
  } catch (error) {
    throw new UserError('usage', `"${override}": the value is not valid YAML.`, {cause: error});
  }
}

/**
 * Reads a configuration: what its file extends, in order, then the file, then the overrides.
 * @throws UserError 'usage' that names file, line and key of everything that is wrong
 */
export function loadConfig(file: string, overrides: readonly string[] = []): LoadedConfig {
  const merged: Merged = {tree: {}, sources: new Map()};
  mergeFile(merged, file, []);
  for (const override of overrides) mergeOverride(merged, override);
  const parsed = configSchema.safeParse(merged.tree);
  if (parsed.success) return {config: parsed.data, sources: merged.sources};
  const problems = parsed.error.issues.flatMap((issue) => describe(issue, merged, file));
  throw new UserError('usage', problems.join('\n'));
}

/** Where the value at a path was set: its own place, or that of the nearest section around it. */
function whereIs(path: string, {sources}: Merged, file: string): string {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const source = sources.get(at);
    if (source) return source;
  }
  return file;
}

function describe(issue: z.core.$ZodIssue, merged: Merged, file: string): string[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const full = path === '' ? key : `${path}.${key}`;
      return `${whereIs(full, merged, file)}: ${unknownKey(full)}`;
    });
  }
  const value = issue.path.reduce<unknown>(
    (node, key) => (node as Tree | undefined)?.[String(key)],
    merged.tree,
  );
  const where = whereIs(path, merged, file);
  if (value === undefined) return [`${where}: "${path}" is missing.`];
  const found = JSON.stringify(value);
  const hint =
    typeof value === 'string' && Number.isFinite(Number(value)) ? ' Numbers stand without quotes.' : '';
  return [`${where}: "${path}" is ${found}: ${issue.message.replace(/^Invalid input: /, '')}.${hint}`];
}
