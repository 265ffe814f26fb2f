/** @file A run takes over a checkpoint: of the very same run, or of one that may differ so. */
import type {Checkpoint} from '../checkpoint/load.js';
import {checkSameRun, type RunIdentity} from './identity.js';
import type {Learner} from './learner.js';
import {type RunState, readRunState} from './runState.js';
import type {Session} from './session.js';
import type {Progress} from './trainer.js';

/** How a run may differ from the one that was begun. */
export interface Sameness {
  readonly identity: RunIdentity;
  readonly allowedChanges: readonly string[];
}

/** Takes over a checkpoint. */
export function restore(
  checkpoint: Checkpoint,
  {console}: Session,
  learner: Learner,
  {identity, allowedChanges}: Sameness,
): RunState {
  const {path} = checkpoint;
  const state = readRunState(checkpoint);
  const changes = checkSameRun(state, identity, allowedChanges, path);
  if (changes.length > 0)
    console.warn(`not as the run was begun: ${changes.join(', ')}; last bits may differ`);
  learner.restore(checkpoint, state.averageUpdates ?? 0);
  if (learner.average && !checkpoint.ema)
    console.warn(`${path} has no averaged weights; the average begins with its weights.`);
  console.line(`resumed from ${path}: epoch ${state.epoch + 1}, batch ${state.nextBatch + 1}`);
  return state;
}

/** Where the run stood. */
export const progressOf = ({step, epoch, nextBatch}: RunState): Progress => ({step, epoch, nextBatch});
