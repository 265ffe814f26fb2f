/** @file What makes a run the one that it is: its configuration, its data and its machine; and what may change in it. */
import {z} from 'zod';
import {type Config, configSchema} from '../config/schema.js';
import {contentDigest} from '../data/datasets/contentDigest.js';
import {UserError} from '../errors.js';
import {packageVersion} from '../packagePaths.js';
import type {Session} from './session.js';

const texts = z.record(z.string(), z.string());

export const identitySchema = z.object({
  /** As it was resolved. */
  config: z.record(z.string(), z.json()),
  /** Digests of the splits' contents. */
  data: texts,
  /** Versions, and whatever else changes the last bits of the numbers. */
  machine: texts,
});

export type RunIdentity = z.infer<typeof identitySchema>;

/** Keys that change nothing in what is learnt; for each, what lies below it, too. Data files are known by their content. */
const HARMLESS = [
  ...['name', 'output', 'loader', 'model.name', 'model.weights', 'distill.cache', 'eval.batchSize'],
  ...[
    'train.epochs',
    'train.evaluateEvery',
    'train.logEvery',
    'train.checkpointEvery',
    'train.keepCheckpoints',
    'train.pictures',
  ],
  ...['dataset.root', 'dataset.onMissing', 'dataset.maxBadFraction', 'dataset.limit'],
  ...['train', 'val'].flatMap((split) =>
    ['annotations', 'images', 'detections', 'headBoxes'].map((key) => `dataset.${split}.${key}`),
  ),
  // Of these the machine's line tells.
  ...['backend', 'device', 'threads', 'tf32', 'deterministic'],
];

/** Of the run that is about to begin or to go on. */
export function identityOf({config, engine, train, val}: Session): RunIdentity {
  return {
    // As JSON would give it back.
    config: JSON.parse(JSON.stringify(config)) as RunIdentity['config'],
    data: {train: contentDigest(train), val: contentDigest(val)},
    machine: {
      ...{posecraft: packageVersion(), node: process.versions.node, engine: engine.engine},
      ...{device: engine.device, threads: String(engine.threads)},
      ...{tf32: String(config.tf32), deterministic: String(config.deterministic)},
    },
  };
}

/** One difference, as `train.batchSize: 32 → 16`. */
interface Change {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** Whether `key` is one of the keys or lies below one. */
function isBelow(key: string, keys: readonly string[]): boolean {
  return keys.some((known) => key === known || key.startsWith(`${known}.`));
}

function shown(value: unknown): string {
  return value === undefined ? '(not set)' : JSON.stringify(value);
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The values that differ; of sections, what differs in them. */
function differences(from: unknown, to: unknown, path: string): Change[] {
  if (isSection(from) && isSection(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) => differences(from[key], to[key], path === '' ? key : `${path}.${key}`));
  }
  return shown(from) === shown(to) ? [] : [{key: path, from: shown(from), to: shown(to)}];
}

/** Where two configurations differ apart from some keys and what lies below them: `train.batchSize: 32 → 16`. */
export function configChanges(from: Config, to: Config, apartFrom: readonly string[]): string[] {
  return differences(from, to, '')
    .filter(({key}) => !isBelow(key, apartFrom))
    .map(({key, from, to}) => `${key}: ${from} → ${to}`);
}

/** A configuration with what the schema has learnt since at its default. */
function filledIn(config: RunIdentity['config']): unknown {
  const parsed = configSchema.safeParse(config);
  return parsed.success ? (JSON.parse(JSON.stringify(parsed.data)) as Config) : config;
}

function dataChanges(saved: RunIdentity['data'], now: RunIdentity['data']): Change[] {
  return Object.keys(now)
    .filter((split) => saved[split] !== now[split])
    .map((split) => {
      const digest = (text = 'unknown') => `content ${text.slice(0, 12)}`;
      return {key: `dataset.${split}`, from: digest(saved[split]), to: digest(now[split])};
    });
}

/**
 * Checks that a run which goes on is the one that was begun.
 * @param allowed keys in which it may differ, with all below them
 * @param where the checkpoint, for messages
 * @returns what changed of the machine, so that the last bits of the numbers may: `engine: libtorch 1.13.0 → …`
 * @throws UserError 'usage' with a line for each key that changes what is learnt: old → new
 */
export function checkSameRun(
  saved: RunIdentity,
  now: RunIdentity,
  allowed: readonly string[],
  where: string,
): string[] {
  const changes = [
    ...differences(filledIn(saved.config), now.config, '').filter(({key}) => !isBelow(key, HARMLESS)),
    ...dataChanges(saved.data, now.data),
  ].filter(({key}) => !isBelow(key, allowed));
  if (changes.length > 0) {
    const lines = changes.map(({key, from, to}) => `  ${key}: ${from} → ${to}`);
    const keys = [...new Set(changes.map(({key}) => key))].join(',');
    throw new UserError(
      'usage',
      `${where}: the run was begun with other settings, and would not go on as it was:\n${lines.join('\n')}\n` +
        `Set them back, train under another name, or accept the changes: --allow-config-change ${keys}`,
    );
  }
  return differences(saved.machine, now.machine, '').map(({key, from, to}) => `${key} ${from} → ${to}`);
}
