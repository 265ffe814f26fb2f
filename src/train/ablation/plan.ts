/** @file The runs of an ablation with their configurations, and how far each has come: what its folder says. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {listSteps} from '../../checkpoint/layout.js';
import {type LoadedConfig, loadConfig, type PlacedOverride} from '../../config/load.js';
import type {Matrix, MatrixRun} from '../../config/matrix.js';
import type {Config} from '../../config/schema.js';
import {UserError} from '../../errors.js';
import {type MetricsEvent, readMetrics} from '../../report/metricsLog.js';
import {configChanges} from '../identity.js';

export interface PlannedRun extends MatrixRun {
  readonly config: Config;
  /** `<output>/<name of the ablation>/<name of the run>`. */
  readonly folder: string;
  /** All overrides of the base configuration, those of the matrix last. */
  readonly placed: readonly PlacedOverride[];
}

export interface Plan {
  /** The ablation's: above those of its runs. */
  readonly folder: string;
  readonly runs: readonly PlannedRun[];
  /** Of the base configuration by itself. */
  readonly base: LoadedConfig;
}

/**
 * Resolves the configuration of every run.
 * @param overrides of the command line, for all runs alike
 * @throws UserError 'usage' if one of them is not valid
 */
export function planRuns(cfg: string, overrides: readonly string[], matrix: Matrix): Plan {
  const base = loadConfig(cfg, overrides);
  const folder = join(base.config.output, base.config.name);
  const runs = matrix.runs.map((run) => {
    const own = {name: run.name, output: folder, seed: run.seed};
    const placed = [
      ...run.overrides,
      ...Object.entries(own).map(([key, value]) => ({key, value, source: matrix.file})),
    ];
    return {
      ...run,
      placed,
      folder: join(folder, run.name),
      config: loadConfig(cfg, overrides, placed).config,
    };
  });
  return {folder, runs, base};
}

/** How far a run has come. */
export type RunProgress =
  | {readonly kind: 'new'}
  | {readonly kind: 'begun'}
  /** All epochs are done; the figures of the validation after the last. */
  | {readonly kind: 'finished'; readonly figures: Readonly<Record<string, number>>}
  /** Its folder holds a run with other settings, as `train.batchSize: 16 → 8`. */
  | {readonly kind: 'other'; readonly changes: readonly string[]};

/** Settings that change nothing in what is learnt; longer training goes on with a run. */
const HARMLESS = [
  ...['name', 'output', 'loader', 'threads', 'eval.batchSize', 'train.epochs', 'train.logEvery'],
  ...['train.keepCheckpoints', 'train.checkpointEvery', 'dataset.root'],
];

export async function progressOf({folder, config}: PlannedRun): Promise<RunProgress> {
  const [newest] = await listSteps(join(folder, 'checkpoints'));
  const recorded = recordedConfig(folder);
  if (recorded === null) return {kind: newest === undefined ? 'new' : 'begun'};
  const changes = configChanges(recorded, config, HARMLESS);
  if (changes.length > 0) return {kind: 'other', changes};
  const last = newest === undefined ? undefined : lastEvaluation(folder);
  // Without the weights that were validated, or without the validation, the epoch is not done.
  if (last === undefined || last.step > newest.step || last.epoch < config.train.epochs)
    return {kind: 'begun'};
  if (last.epoch > config.train.epochs) {
    return {kind: 'other', changes: [`train.epochs: ${last.epoch} → ${config.train.epochs}`]};
  }
  return {kind: 'finished', figures: figuresOf(last)};
}

/** What the run was begun with; null if it was not begun, or says nothing that can be read today. */
function recordedConfig(folder: string): Config | null {
  const file = join(folder, 'config.yaml');
  if (!existsSync(file)) return null;
  try {
    return loadConfig(file).config;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** From the run's own log, which a later `pose-eval` with other boxes leaves alone. */
function lastEvaluation(folder: string): MetricsEvent | undefined {
  const file = join(folder, 'metrics.jsonl');
  if (!existsSync(file)) return undefined;
  return readMetrics(file)
    .filter(({type}) => type === 'eval')
    .at(-1);
}

function figuresOf({type: _, step: __, epoch: ___, ...figures}: MetricsEvent): Record<string, number> {
  const numbers = Object.entries(figures).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return Object.fromEntries(numbers);
}
