/** @file What a checkpoint's state.json says of a run, and its reading back. */
import {z} from 'zod';
import type {Checkpoint} from '../checkpoint/load.js';
import type {Config} from '../config/schema.js';
import {UserError} from '../errors.js';

const runStateSchema = z.object({
  step: z.number().int().nonnegative(),
  epoch: z.number().int().nonnegative(),
  nextBatch: z.number().int().nonnegative(),
  best: z.object({step: z.number(), epoch: z.number(), figure: z.number()}).nullable(),
  metricsOffset: z.number().int().nonnegative(),
  seed: z.number(),
  batchSize: z.number(),
  /** Steps that are in the averaged weights. */
  averageUpdates: z.number().int().nonnegative().optional(),
  /** Steps that were not finite. */
  finite: z.object({inARow: z.number(), rollbacks: z.number(), leftOut: z.array(z.number())}).optional(),
});

export type RunState = z.infer<typeof runStateSchema>;

/**
 * @throws UserError 'checkpoint' if the state is not a run's, 'usage' if the run was begun with another order of samples
 */
export function readRunState({path, state}: Checkpoint, config: Config): RunState {
  const parsed = runStateSchema.safeParse(state);
  if (!parsed.success) {
    const {path: key, message} = parsed.error.issues[0];
    throw new UserError(
      'checkpoint',
      `${path}/state.json: ${key.join('.')}: ${message}; no run can go on from it.`,
    );
  }
  const {seed, batchSize} = parsed.data;
  const changed = [
    ...(seed === config.seed ? [] : [`seed (was ${seed}, is ${config.seed})`]),
    ...(batchSize === config.train.batchSize
      ? []
      : [`train.batchSize (was ${batchSize}, is ${config.train.batchSize})`]),
  ];
  if (changed.length === 0) return parsed.data;
  throw new UserError(
    'usage',
    `${path}: the run cannot go on with another ${changed.join(' and ')}: its samples would come in another order. ` +
      'Set it back, or train under another name.',
  );
}
