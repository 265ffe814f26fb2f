/** @file A training run from its configuration to its report: joins the parts, the hooks and the loop. */
import {join} from 'node:path';
import {writeFileAtomic} from '../checkpoint/files.js';
import {dumpConfig} from '../config/format.js';
import type {Config} from '../config/schema.js';
import {ruleReports} from '../data/datasets/inspect.js';
import type {BatchLoader} from '../data/loader/loader.js';
import {noteCircumstances} from '../errors.js';
import {formatDuration} from '../report/format.js';
import {MetricsLog} from '../report/metricsLog.js';
import {checkMetrics} from '../tasks/topDownFigures.js';
import {openLoader} from '../tasks/topDownParts.js';
import {concludeRun} from './conclude.js';
import {watchForCrashes} from './crashes.js';
import type {CheckpointHook} from './hooks/checkpoint.js';
import {DataWaitHook} from './hooks/dataWait.js';
import {EmaHook} from './hooks/ema.js';
import {LogHook} from './hooks/log.js';
import {LossWatchHook} from './hooks/lossWatch.js';
import {outputHooks} from './hooks/outputs.js';
import {RejectHook} from './hooks/rejects.js';
import {SignalHook} from './hooks/signals.js';
import {identityOf} from './identity.js';
import {Learner} from './learner.js';
import {memoryNeed} from './memoryNeed.js';
import {progressOf, restore} from './restore.js';
import {openRunFolder, type RunFolder} from './runFolder.js';
import {checkpointHook, evaluateHook, finiteHook} from './runHooks.js';
import {openSession, type Session, sessionFacts} from './session.js';
import {Run, stepsPerEpoch} from './trainer.js';
import {updateOf} from './update.js';
import {UploadAhead} from './uploadAhead.js';

export interface TrainOutcome {
  /** The primary figure (AP) of the best validation; null if there was none. */
  readonly best: number | null;
  /** The process's exit code if a signal ended the run. */
  readonly signalExitCode: number | null;
}

export interface TrainOptions {
  /** Go on from the newest good checkpoint of the run's folder. */
  readonly resume: boolean;
  /** Keys in which a run that goes on may differ from the one that was begun. */
  readonly allowedChanges?: readonly string[];
}

export async function trainFromConfig(config: Config, options: TrainOptions): Promise<TrainOutcome> {
  let session: Session | null = null;
  try {
    session = await openSession(config);
    return await trainSession(session, options);
  } catch (error) {
    noteCircumstances(error, memoryNeed(config, session?.layers ?? []));
    throw error;
  }
}

async function trainSession(session: Session, options: TrainOptions): Promise<TrainOutcome> {
  const {config} = session;
  checkMetrics(config.eval, session.val.keypointSet);
  const learner = new Learner(session.task, config.train, config.seed);
  const folder = await openRunFolder(config, options.resume, (line) => session.console.warn(line));
  const loaders = {
    train: openLoader(config, session.train, session.task, 'train'),
    val: openLoader(config, session.val, session.task, 'evaluate'),
  };
  const crashes = watchForCrashes(folder);
  try {
    return await trainIn(folder, session, loaders, {learner, allowedChanges: options.allowedChanges ?? []});
  } catch (error) {
    throw crashes.recorded(error);
  } finally {
    learner.dispose();
    await Promise.all([loaders.train.close(), loaders.val.close()]);
    crashes.end();
    await folder.lock.release();
  }
}

interface Loaders {
  readonly train: BatchLoader;
  readonly val: BatchLoader;
}

async function trainIn(
  folder: RunFolder,
  session: Session,
  loaders: Loaders,
  {learner, allowedChanges}: {learner: Learner; allowedChanges: readonly string[]},
): Promise<TrainOutcome> {
  const {config, console, task} = session;
  const facts = sessionFacts(session, folder.path);
  console.facts(facts);
  const sameness = {identity: identityOf(session), allowedChanges};
  const state = folder.resumed && restore(folder.resumed, session, learner, sameness);
  if (state && state.epoch >= config.train.epochs) {
    console.line(`The run is complete after ${state.epoch} epochs; a larger train.epochs goes on with it.`);
    return {best: state.best?.figure ?? null, signalExitCode: null};
  }
  await writeFileAtomic(join(folder.path, 'config.yaml'), dumpConfig(config));
  await writeDataReport(folder, session);
  const metrics = MetricsLog.open(join(folder.path, 'metrics.jsonl'), state?.metricsOffset ?? 0, (line) =>
    console.warn(line),
  );
  const signals = new SignalHook(
    (run) => checkpoints.save(run.progress),
    (line) => console.line(line),
  );
  const evaluation = evaluateHook(folder, session, {
    ...{learner, metrics, state, signals},
    loader: loaders.val,
  });
  const checkpoints: CheckpointHook = checkpointHook(folder, session, {
    ...{learner, evaluation, metrics, identity: sameness.identity},
    finite: () => finite,
  });
  const finite = finiteHook(folder, session, {learner, checkpoints, metrics, state, sameness});
  const {epochs, accumulate, logEvery} = config.train;
  const ahead =
    session.engine.device === 'cpu' ? null : new UploadAhead(loaders.train, (batch) => task.upload(batch));
  const length = {source: ahead ?? loaders.train, accumulate};
  const run = new Run({
    ...{...length, epochs},
    update: updateOf({
      ...{updater: learner.updater, config: config.train, finite, ahead},
      stepsPerEpoch: stepsPerEpoch(length),
    }),
    hooks: [
      finite,
      ...(learner.average ? [new EmaHook(learner.average)] : []),
      new LogHook(console, metrics, logEvery),
      new LossWatchHook((line) => console.warn(line)),
      new RejectHook(console, metrics),
      new DataWaitHook(config.loader, (line) => console.warn(line)),
      evaluation,
      ...outputHooks({runFolder: folder.path, session, metrics, evaluation, startStep: state?.step ?? 0}),
      checkpoints,
      signals,
    ],
    progress: state ? progressOf(state) : undefined,
  });
  const started = performance.now();
  try {
    await run.train();
  } finally {
    await checkpoints.idle();
  }
  const duration = formatDuration((performance.now() - started) / 1000);
  await concludeRun(folder.path, session, {evaluation, metrics, facts: [...facts, ['duration', duration]]});
  return {best: evaluation.best?.figure ?? null, signalExitCode: signals.exitCode};
}

/** What was wrong with the annotations, each record by its name. */
function writeDataReport({path}: RunFolder, {train, val}: Session): Promise<void> {
  const report = Object.entries({train, val}).map(([split, {annotationFile, summary, findings}]) => {
    const {images, people} = summary;
    return [split, {annotations: annotationFile, images, people, rules: ruleReports(findings)}];
  });
  return writeFileAtomic(
    join(path, 'data-report.json'),
    `${JSON.stringify(Object.fromEntries(report), null, 1)}\n`,
  );
}
