/** @file The hooks that are made of a run's parts: validation, checkpoints, and the guard that may go back to one. */
import type {BatchLoader} from '../data/loader/loader.js';
import {UserError} from '../errors.js';
import type {MetricsLog} from '../report/metricsLog.js';
import {predictPeople, scorePredictions} from '../tasks/topDownEvaluation.js';
import {parseCadence} from './hooks/cadence.js';
import {CheckpointHook} from './hooks/checkpoint.js';
import {EvaluateHook} from './hooks/evaluate.js';
import {FiniteHook} from './hooks/finite.js';
import type {SignalHook} from './hooks/signals.js';
import type {RunIdentity} from './identity.js';
import type {Learner} from './learner.js';
import {openCheckpoints} from './openCheckpoints.js';
import {progressOf, restore, type Sameness} from './restore.js';
import type {RunFolder} from './runFolder.js';
import type {RunState} from './runState.js';
import type {Session} from './session.js';

interface Validated {
  readonly learner: Learner;
  readonly loader: BatchLoader;
  readonly metrics: MetricsLog;
  readonly state: RunState | null;
  readonly signals: SignalHook;
}

export function evaluateHook(
  folder: RunFolder,
  {config, console, task, val}: Session,
  {learner, loader, metrics, state, signals}: Validated,
): EvaluateHook {
  return new EvaluateHook({
    runFolder: folder.path,
    every: config.train.evaluateEvery,
    evaluate: signals.interruptible(async (stopHere) => {
      const showProgress = (done: number, total: number) => {
        stopHere();
        console.progress(() => `validating ${done}/${total}`);
      };
      const predictions = await learner.withBestWeights(() =>
        predictPeople(task, loader, val.people, config.eval, showProgress),
      );
      return scorePredictions(predictions, val, config.eval);
    }),
    console,
    metrics,
    best: state?.best ?? null,
  });
}

interface Guarded {
  readonly learner: Learner;
  readonly checkpoints: CheckpointHook;
  readonly metrics: MetricsLog;
  readonly state: RunState | null;
  readonly sameness: Sameness;
}

export function finiteHook(
  folder: RunFolder,
  session: Session,
  {learner, checkpoints, metrics, state, sameness}: Guarded,
): FiniteHook {
  const {config, console, train} = session;
  const warn = (line: string) => console.warn(line);
  return new FiniteHook({
    config: config.train.onNonFinite,
    runFolder: folder.path,
    seed: config.seed,
    people: train.people,
    metrics,
    warn,
    saveStart: (run) => checkpoints.save(run.progress),
    rollBack: async () => {
      await checkpoints.settled();
      const newest = await openCheckpoints(folder.checkpoints, warn);
      if (!newest)
        throw new UserError('diverged', `${folder.checkpoints}: there is no checkpoint to go back to.`);
      const restored = restore(newest, session, learner, sameness);
      metrics.rewind(restored.metricsOffset);
      checkpoints.goBack(restored.step);
      return progressOf(restored);
    },
    state: state?.finite,
  });
}

interface Recorded {
  readonly learner: Learner;
  readonly evaluation: EvaluateHook;
  readonly metrics: MetricsLog;
  readonly finite: () => FiniteHook;
  readonly identity: RunIdentity;
}

export function checkpointHook(
  folder: RunFolder,
  {config, console}: Session,
  {learner, evaluation, metrics, finite, identity}: Recorded,
): CheckpointHook {
  return new CheckpointHook({
    folder: folder.checkpoints,
    keep: config.train.keepCheckpoints,
    every: parseCadence(config.train.checkpointEvery),
    resumedStep: folder.resumed?.step ?? null,
    contents: () => {
      // The log must hold all that the checkpoint remembers of it.
      metrics.sync();
      return {
        ...learner.contents(),
        state: {
          best: evaluation.best && {...evaluation.best},
          metricsOffset: metrics.byteOffset,
          averageUpdates: learner.average?.updates ?? 0,
          finite: {...finite().state},
          ...identity,
        },
      };
    },
    best: () => evaluation.best,
    warn: (line) => console.warn(line),
  });
}
