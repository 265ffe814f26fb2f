/** @file Files and overrides as the HRNet repository has them: told from ours, checked, and translated by the table of `legacy/`. */
import {basename} from 'node:path';
import type {z} from 'zod';
import {UserError} from '../errors.js';
import {keysOf, unknownKey} from './keys.js';
import {IDLE_KEYS, type LegacyConfig, legacySchema} from './legacy/keys.js';
import {LEGACY_FAMILIES, type Setting} from './legacy/models.js';
import {checkpointOf, DEMANDS, REMARKS, ROWS} from './legacy/table.js';
import {decoded, fromPython} from './legacy/values.js';
import {describeIssue} from './problems.js';
import {nearestAbove, type YamlFile} from './yaml.js';

type Tree = {[key: string]: unknown};

/** `TEST.USE_GT_BBOX False` of a command line. */
export interface LegacyOverride {
  readonly key: string;
  readonly value: string;
}

/** What commands do with a file of HRNet beyond its configuration. */
export interface LegacyExtras {
  /** A paragraph about what the translation left out or changed. */
  readonly note: string;
  /** TEST.MODEL_FILE. */
  readonly checkpoint: string | null;
  /** AUTO_RESUME: go on with a run that is already there. */
  readonly resume: boolean;
}

export interface Translation extends LegacyExtras {
  /** Our dotted path -> the value, and where it comes from. */
  readonly values: ReadonlyMap<string, {readonly value: unknown; readonly source: string}>;
}

const KEY = /^[A-Z][A-Z0-9_]*$/;
const DOTTED_KEY = /^[A-Z][A-Z0-9_]*(\.[A-Z0-9_]+)*$/;

/** Whether a file's keys are HRNet's: all of the first level in upper case. */
export function isLegacy(content: Tree): boolean {
  const keys = Object.keys(content);
  return keys.length > 0 && keys.every((key) => KEY.test(key));
}

/**
 * Tells `KEY value` pairs from `key=value` among the arguments of a command.
 * @throws UserError 'usage' if a key has no value
 */
export function splitOverrides(args: readonly string[]): {overrides: string[]; pairs: LegacyOverride[]} {
  const overrides: string[] = [];
  const pairs: LegacyOverride[] = [];
  for (let i = 0; i < args.length; i++) {
    const key = args[i];
    if (!DOTTED_KEY.test(key)) overrides.push(key);
    else if (i + 1 < args.length) pairs.push({key, value: args[++i]});
    else throw new UserError('usage', `"${key}": a value is missing, as in TEST.USE_GT_BBOX False.`);
  }
  return {overrides, pairs};
}

/** @throws UserError 'usage': pairs were given, and no file is HRNet's */
export function refusePairs([{key, value}]: readonly LegacyOverride[], file: string): never {
  const ours = ROWS.filter(({keys}) => keys[0] === key).map(({path}) => path);
  const hint = ours.length > 0 ? `Here it is ${ours.join(', ')}.` : 'Overrides of others are key=value.';
  throw new UserError('usage', `"${key} ${value}": ${file} is not one of HRNet's files. ${hint}`);
}

/** A file of HRNet and the overrides of its values, with the place of each. */
class LegacyFile {
  readonly values: Tree;
  /** HRNet's dotted path -> where it was set. */
  readonly sources = new Map<string, string>();

  constructor(
    readonly file: string,
    {content, lines}: YamlFile,
    pairs: readonly LegacyOverride[],
  ) {
    this.values = decoded(content) as Tree;
    for (const [key, line] of lines) this.sources.set(key, `${file}:${line}`);
    for (const {key, value} of pairs) {
      const source = `"${key} ${value}"`;
      this.sources.set(key, source);
      setAt(this.values, key, fromPython(value), source);
    }
  }

  sourceOf(key: string): string {
    return nearestAbove(this.sources, key) ?? this.file;
  }

  /** Where a value of ours comes from: HRNet's keys and their lines. */
  origin(keys: readonly string[]): string {
    const given = keys.filter((key) => this.sources.has(key));
    if (given.length === 0) return `HRNet's default of ${keys[0]}`;
    const places = given.map((key) => {
      const source = this.sourceOf(key);
      return source.startsWith('"') ? source : `${source} ${key}`;
    });
    // The file is told once: `a.yaml:12 DATASET.ROOT, :4 DATA_DIR`.
    const start = `${this.file}:`;
    return places
      .map((place, i) => (i > 0 && place.startsWith(start) ? place.slice(this.file.length) : place))
      .join(', ');
  }

  /** Keys that hold a value, not a section. */
  givenKeys(): string[] {
    return [...this.sources.keys()].filter((key) => DOTTED_KEY.test(key) && !/\.\d+$/.test(key));
  }

  /** The values with the schema's defaults. */
  check<T>(schema: z.ZodType<T>, values: unknown, section: string): T {
    const result = schema.safeParse(values);
    if (result.success) return result.data;
    const issues = result.error.issues.map((issue) => ({
      ...issue,
      path: [...section.split('.').filter(Boolean), ...issue.path],
    }));
    const problems = issues.flatMap((issue) =>
      describeIssue(
        issue,
        this.values,
        (key) => this.sourceOf(key),
        (key) => unknownKey(key, LEGACY_KEYS),
      ),
    );
    throw new UserError('usage', problems.join('\n'));
  }

  fail(key: string, problem: string): never {
    const value = key
      .split('.')
      .reduce<unknown>((node, name) => (node as Tree | undefined)?.[name], this.values);
    const shown = value === undefined ? 'left out' : JSON.stringify(value);
    throw new UserError('usage', `${this.sourceOf(key)}: "${key}" is ${shown}: ${problem}`);
  }
}

function setAt(tree: Tree, key: string, value: unknown, source: string): void {
  const names = key.split('.');
  const last = names.pop()!;
  let section = tree;
  for (const name of names) {
    if (!Object.hasOwn(section, name)) section[name] = {};
    const inner = section[name];
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) {
      throw new UserError('usage', `${source}: "${name}" is a value and has no keys below it.`);
    }
    section = inner as Tree;
  }
  section[last] = value;
}

/**
 * Our configuration out of a file of HRNet.
 * @throws UserError 'usage' that names file, line and key of what is unknown, wrong, or not there yet
 */
export function translateLegacy(file: string, yaml: YamlFile, pairs: readonly LegacyOverride[]): Translation {
  const source = new LegacyFile(file, yaml, pairs);
  const config = parsed(source);
  const family = LEGACY_FAMILIES[config.MODEL.NAME];
  for (const {key, holds, problem} of DEMANDS) if (!holds(config)) source.fail(key, problem(config));
  const name = [config.DATASET.DATASET, config.MODEL.NAME, basename(file).split('.')[0]].join('/');
  const settings: Setting[] = [
    {path: 'name', value: name, keys: ['DATASET.DATASET', 'MODEL.NAME']},
    ...ROWS.map(({path, keys, value}) => ({path, keys, value: value(config)})),
    ...family.settings(config.MODEL.EXTRA),
  ];
  const values = settings.map(({path, value, keys}) => [path, {value, source: source.origin(keys)}] as const);
  return {
    values: new Map(values),
    note: noteOn(source, config),
    checkpoint: checkpointOf(config),
    resume: config.AUTO_RESUME,
  };
}

/** The file's values with HRNet's defaults, MODEL.EXTRA as its family has it. */
function parsed(source: LegacyFile): LegacyConfig {
  const config = source.check(legacySchema, source.values, '');
  if (!Object.hasOwn(LEGACY_FAMILIES, config.MODEL.NAME)) {
    source.fail(
      'MODEL.NAME',
      `this model is not there yet; there is ${Object.keys(LEGACY_FAMILIES).join(', ')}.`,
    );
  }
  const {extra} = LEGACY_FAMILIES[config.MODEL.NAME];
  const EXTRA = source.check(extra, config.MODEL.EXTRA, 'MODEL.EXTRA');
  return {...config, MODEL: {...config.MODEL, EXTRA}};
}

/** Every key of HRNet's files that is known, sections included. */
export const LEGACY_KEYS: readonly string[] = [
  ...new Set([
    ...keysOf(legacySchema),
    ...Object.values(LEGACY_FAMILIES).flatMap(({extra}) => keysOf(extra, 'MODEL.EXTRA')),
  ]),
];

/** What the translation left out, by name and reason, and what it changed. */
function noteOn(source: LegacyFile, config: LegacyConfig): string {
  const idle = new Map<string, string[]>();
  for (const key of source.givenKeys()) {
    const section = `${key.slice(0, key.indexOf('.'))}.`;
    const reason = IDLE_KEYS[key] ?? IDLE_KEYS[section];
    if (reason !== undefined) idle.set(reason, [...(idle.get(reason) ?? []), key]);
  }
  const list = [...idle].map(([reason, keys]) => `${keys.join(', ')} (${reason})`).join('; ');
  const ignored = list === '' ? [] : [`Without meaning here, and ignored: ${list}.`];
  const remarks = REMARKS.map((remark) => remark(config)).filter((text) => text !== null);
  return [`${source.file} has HRNet's keys, which were translated.`, ...ignored, ...remarks].join(' ');
}
