/** @file What a checkpoint's state.json says of a run, and its reading back. */
import {z} from 'zod';
import type {Checkpoint} from '../checkpoint/load.js';
import {UserError} from '../errors.js';
import {identitySchema} from './identity.js';

const runStateSchema = z.object({
  step: z.number().int().nonnegative(),
  epoch: z.number().int().nonnegative(),
  nextBatch: z.number().int().nonnegative(),
  best: z.object({step: z.number(), epoch: z.number(), figure: z.number()}).nullable(),
  metricsOffset: z.number().int().nonnegative(),
  /** Steps that are in the averaged weights. */
  averageUpdates: z.number().int().nonnegative().optional(),
  /** Steps that were not finite. */
  finite: z.object({inARow: z.number(), rollbacks: z.number(), leftOut: z.array(z.number())}).optional(),
  ...identitySchema.shape,
});

export type RunState = z.infer<typeof runStateSchema>;

/** @throws UserError 'checkpoint' if the state is not a run's */
export function readRunState({path, state}: Checkpoint): RunState {
  const parsed = runStateSchema.safeParse(state);
  if (parsed.success) return parsed.data;
  const {path: key, message} = parsed.error.issues[0];
  throw new UserError(
    'checkpoint',
    `${path}/state.json: ${key.join('.')}: ${message}; no run can go on from it.`,
  );
}
