/** @file The file of an ablation: axes of named variants, each some overrides of a configuration, and the seeds of every combination. */
import {z} from 'zod';
import {UserError} from '../errors.js';
import {CONFIG_KEYS, keysOf, nearestName, unknownKey} from './keys.js';
import type {PlacedOverride} from './load.js';
import {describeIssue} from './problems.js';
import {nearestAbove, readYaml} from './yaml.js';

const matrixSchema = z.strictObject({
  axes: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .refine((axes) => Object.keys(axes).length > 0, 'expected at least one axis'),
  seeds: z
    .array(z.number().int().nonnegative())
    .min(1)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'expected each seed once')
    .default([0]),
  exclude: z
    .array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])))
    .default([]),
});

/** The short form of an axis: the values of one key. */
const valuesSchema = z.strictObject({
  key: z.string(),
  values: z
    .array(
      z.union([z.string(), z.number(), z.boolean(), z.null()], 'expected single values; others need names'),
    )
    .min(1),
});

const namedSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

/** One choice on an axis. */
export interface Variant {
  /** As the table shows it. */
  readonly name: string;
  /** Its part of a run's name. */
  readonly label: string;
  readonly overrides: readonly PlacedOverride[];
}

export interface Axis {
  readonly name: string;
  readonly variants: readonly Variant[];
}

/** One combination with one seed. */
export interface MatrixRun {
  /** Its folder below the ablation's. */
  readonly name: string;
  /** A name for each axis. */
  readonly variants: readonly string[];
  readonly seed: number;
  readonly overrides: readonly PlacedOverride[];
}

export interface Matrix {
  readonly file: string;
  readonly axes: readonly Axis[];
  readonly seeds: readonly number[];
  /** All that are not excluded: the last axis changes fastest, the seeds faster still. */
  readonly runs: readonly MatrixRun[];
}

/** Names become parts of a folder's name. */
const NAME = /^[A-Za-z0-9][\w.+-]*$/;
/** What tells the runs apart is not for variants to say. */
const RESERVED = ['name', 'output', 'seed'];

/** @throws UserError 'usage' that names file, line and key of everything that is wrong */
export function readMatrix(file: string): Matrix {
  return new MatrixFile(file).read();
}

class MatrixFile {
  readonly #content: unknown;
  readonly #lines: ReadonlyMap<string, number>;

  constructor(readonly file: string) {
    const {content, lines} = readYaml(file);
    this.#content = content;
    this.#lines = lines;
  }

  read(): Matrix {
    const {axes: named, seeds, exclude} = this.#check(matrixSchema, this.#content, '');
    const axes = Object.entries(named).map(([name, content]) => this.#axis(name, content));
    const excluded = exclude.map((entry, i) => this.#exclusion(entry, axes, `exclude.${i}`));
    const combinations = combine(axes).filter(
      (variants) =>
        !excluded.some((names) => names.every((name, i) => name === null || name === variants[i].name)),
    );
    if (combinations.length === 0) this.#fail('exclude', 'every combination is excluded.');
    const runs = combinations.flatMap((variants) => seeds.map((seed) => runOf(variants, seed)));
    const twice = runs.find(({name}, i) => runs.findIndex((run) => run.name === name) < i);
    if (twice) this.#fail('axes', `two combinations are called "${twice.name}"; rename a variant.`);
    return {file: this.file, axes, seeds, runs};
  }

  #axis(name: string, content: Record<string, unknown>): Axis {
    const path = `axes.${name}`;
    this.#requireName(name, path);
    const isShort = typeof content.key === 'string' || Array.isArray(content.values);
    return {name, variants: isShort ? this.#values(name, content, path) : this.#named(content, path)};
  }

  /** `{key: model.head.sigma, values: [2, 3]}` */
  #values(axis: string, content: Record<string, unknown>, path: string): Variant[] {
    const {key, values} = this.#check(valuesSchema, content, path);
    this.#requireKey(key, `${path}.key`);
    return values.map((value, i) => {
      const name = String(value);
      const source = this.#place(`${path}.values.${i}`);
      this.#requireName(name, `${path}.values.${i}`);
      if (values.indexOf(value) < i) this.#fail(`${path}.values.${i}`, `${name} stands there twice.`);
      const label = /^\d/.test(name) ? `${axis}${name}` : `${axis}-${name}`;
      return {name, label, overrides: [{key, value, source}]};
    });
  }

  /** `msra: {model.head.codec: msra}` */
  #named(content: Record<string, unknown>, path: string): Variant[] {
    const variants = Object.entries(this.#check(namedSchema, content, path));
    if (variants.length === 0) this.#fail(path, 'the axis has no variants.');
    return variants.map(([name, values]) => {
      this.#requireName(name, `${path}.${name}`);
      const overrides = Object.entries(values).map(([key, value]) => {
        const at = `${path}.${name}.${key}`;
        this.#requireKey(key, at);
        return {key, value, source: this.#place(at)};
      });
      return {name, label: name, overrides};
    });
  }

  /** The names of a combination that is left out; null for any. */
  #exclusion(entry: Record<string, unknown>, axes: readonly Axis[], path: string): (string | null)[] {
    const names = new Map(axes.map(({name, variants}) => [name, variants.map((variant) => variant.name)]));
    for (const [axis, value] of Object.entries(entry)) {
      const at = `${path}.${axis}`;
      const variants = names.get(axis);
      if (variants === undefined)
        this.#fail(at, `there is no axis "${axis}".${suggestion(axis, [...names.keys()])}`);
      if (!variants.includes(String(value))) {
        this.#fail(at, `"${axis}" has no variant "${value}"; it has ${variants.join(', ')}.`);
      }
    }
    return axes.map(({name}) => (Object.hasOwn(entry, name) ? String(entry[name]) : null));
  }

  #requireName(name: string, path: string): void {
    if (NAME.test(name)) return;
    this.#fail(path, `"${name}" becomes part of a folder's name: take letters, digits and . _ + -.`);
  }

  #requireKey(key: string, path: string): void {
    if (RESERVED.includes(key)) this.#fail(path, `"${key}" is set for each run; seeds stand under "seeds".`);
    if (!CONFIG_KEYS.includes(key)) this.#fail(path, unknownKey(key));
  }

  #check<T>(schema: z.ZodType<T>, value: unknown, section: string): T {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const at = section.split('.').filter(Boolean);
    const problems = result.error.issues.flatMap((issue) =>
      describeIssue(
        {...issue, path: [...at, ...issue.path]},
        this.#content,
        (path) => this.#place(path),
        (key) =>
          unknownKey(key, section === '' ? keysOf(matrixSchema) : [`${section}.key`, `${section}.values`]),
      ),
    );
    throw new UserError('usage', problems.join('\n'));
  }

  #place(path: string): string {
    const line = nearestAbove(this.#lines, path);
    return line === undefined ? this.file : `${this.file}:${line}`;
  }

  #fail(path: string, problem: string): never {
    throw new UserError('usage', `${this.#place(path)}: ${problem}`);
  }
}

function suggestion(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  return nearest === null ? ` There is ${names.join(', ')}.` : ` Did you mean "${nearest}"?`;
}

/** A variant of every axis, in all ways. */
function combine(axes: readonly Axis[]): Variant[][] {
  return axes.reduce<Variant[][]>(
    (rows, {variants}) => rows.flatMap((row) => variants.map((variant) => [...row, variant])),
    [[]],
  );
}

function runOf(variants: readonly Variant[], seed: number): MatrixRun {
  return {
    name: [...variants.map(({label}) => label), `seed${seed}`].join('-'),
    variants: variants.map(({name}) => name),
    seed,
    overrides: variants.flatMap(({overrides}) => overrides),
  };
}
