/** @file From a YAML file and overrides to a checked configuration that knows where each of its values came from. */
import {existsSync} from 'node:fs';
import {dirname, isAbsolute, relative, resolve} from 'node:path';
import {load as parseYaml} from 'js-yaml';
import {UserError} from '../errors.js';
import {CONFIG_KEYS, unknownKey} from './keys.js';
import {describeIssue} from './problems.js';
import {type Config, configSchema} from './schema.js';
import {nearestAbove, pathBelow, readYaml, type YamlFile} from './yaml.js';

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
  const sourceOf = (path: string) => nearestAbove(merged.sources, path) ?? file;
  const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue, merged.tree, sourceOf));
  throw new UserError('usage', problems.join('\n'));
}

/** Merges a file after the files that it extends. */
function mergeFile(target: Merged, file: string, openFiles: readonly string[]): void {
  const yaml = readYaml(file);
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
  merge(target.tree, values, '', (path) => {
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
  const value = parseValue(override, override.slice(at + 1));
  const tree = key.split('.').reduceRight<unknown>((inner, name) => ({[name]: inner}), value) as Tree;
  merge(target.tree, tree, '', (path) => {
    // The sections around the key stay where they were set.
    if (path === key || path.startsWith(`${key}.`)) target.sources.set(path, `"${override}"`);
    return `"${override}"`;
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
 * Sections are merged; lists and single values are replaced.
 * @param mark notes that a path was set, and says by what
 */
function merge(target: Tree, values: Tree, path: string, mark: (path: string) => string): void {
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
      const old = Object.hasOwn(target, key) ? target[key] : undefined;
      const section = isTree(old) ? old : {};
      target[key] = section;
      merge(section, value, below, mark);
    } else {
      target[key] = value;
    }
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
