/** @file A training run from its configuration to its report: joins the parts, the hooks and the loop. */
import {join} from 'node:path';
import {writeFileAtomic} from '../checkpoint/files.js';
import {dumpConfig} from '../config/format.js';
import type {Config} from '../config/schema.js';
import {ruleReports} from '../data/datasets/inspect.js';
import type {BatchLoader} from '../data/loader/loader.js';
import {withPrecision} from '../engine/precision.js';
import {noteCircumstances} from '../errors.js';
import {getStateDict, loadStateDict} from '../nn/stateDict.js';
import {formatDuration} from '../report/format.js';
import {writeReport} from '../report/htmlReport.js';
import {MetricsLog, readMetrics} from '../report/metricsLog.js';
import {predictPeople, scorePredictions} from '../tasks/topDownEvaluation.js';
import {checkMetrics, primaryFigure} from '../tasks/topDownFigures.js';
import {openLoader} from '../tasks/topDownParts.js';
import {watchForCrashes} from './crashes.js';
import {parseCadence} from './hooks/cadence.js';
import {CheckpointHook} from './hooks/checkpoint.js';
import {DataWaitHook} from './hooks/dataWait.js';
import {EvaluateHook} from './hooks/evaluate.js';
import {finiteLoss} from './hooks/finite.js';
import {LogHook} from './hooks/log.js';
import {RejectHook} from './hooks/rejects.js';
import {SignalHook} from './hooks/signals.js';
import {checkSameRun, identityOf, type RunIdentity} from './identity.js';
import {memoryNeed} from './memoryNeed.js';
import {Adam} from './optimizers.js';
import {validationPictures} from './pictures.js';
import {openRunFolder, type RunFolder} from './runFolder.js';
import {type RunState, readRunState} from './runState.js';
import {learningRateAt} from './schedules.js';
import {openSession, type Session, sessionFacts} from './session.js';
import {Run, type Update} from './trainer.js';

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
  const folder = await openRunFolder(config, options.resume, (line) => session.console.warn(line));
  const loaders = {
    train: openLoader(config, session.train, session.task, 'train'),
    val: openLoader(config, session.val, session.task, 'evaluate'),
  };
  const crashes = watchForCrashes(folder);
  try {
    return await trainIn(folder, session, loaders, options.allowedChanges ?? []);
  } catch (error) {
    throw crashes.recorded(error);
  } finally {
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
  allowedChanges: readonly string[],
): Promise<TrainOutcome> {
  const {config, console, task} = session;
  const facts = sessionFacts(session, folder.path);
  console.facts(facts);
  const optimizer = new Adam(task.model.namedParameters(), config.train.optimizer);
  const identity = identityOf(session);
  const state = folder.resumed && restore(folder, session, optimizer, {identity, allowedChanges});
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
  const evaluation = evaluateHook(folder, session, loaders.val, {metrics, state, signals});
  const checkpoints = checkpointHook(folder, session, {optimizer, evaluation, metrics, identity});
  const run = new Run({
    epochs: config.train.epochs,
    source: loaders.train,
    update: updateOf(session, optimizer, loaders.train.batchesPerEpoch),
    hooks: [
      new LogHook(console, metrics, config.train.logEvery),
      new RejectHook(console, metrics),
      new DataWaitHook(config.loader, (line) => console.warn(line)),
      evaluation,
      checkpoints,
      signals,
    ],
    progress: state ? {step: state.step, epoch: state.epoch, nextBatch: state.nextBatch} : undefined,
  });
  const started = performance.now();
  try {
    await run.train();
  } finally {
    await checkpoints.idle();
  }
  const duration = formatDuration((performance.now() - started) / 1000);
  await conclude(folder, session, {evaluation, metrics, facts: [...facts, ['duration', duration]]});
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

/** Takes over the newest checkpoint. */
function restore(
  {resumed}: RunFolder,
  {task, console}: Session,
  optimizer: Adam,
  {identity, allowedChanges}: {identity: RunIdentity; allowedChanges: readonly string[]},
): RunState {
  const {path, model, optimizer: moments} = resumed!;
  const state = readRunState(resumed!);
  const changes = checkSameRun(state, identity, allowedChanges, path);
  if (changes.length > 0)
    console.warn(`not as the run was begun: ${changes.join(', ')}; last bits may differ`);
  loadStateDict(task.model, model, path);
  optimizer.load(moments ?? new Map(), path);
  console.line(`resumed from ${path}: epoch ${state.epoch + 1}, batch ${state.nextBatch + 1}`);
  return state;
}

function updateOf({config, task}: Session, optimizer: Adam, stepsPerEpoch: number): Update {
  const {
    schedule,
    optimizer: {learningRate: base},
  } = config.train;
  return (batch, step) => {
    const learningRate = learningRateAt(schedule, base, step, stepsPerEpoch);
    const loss = withPrecision(config.train.precision, () =>
      task.train(batch, optimizer, learningRate, (value) => finiteLoss(value, step)),
    );
    return {loss, learningRate};
  };
}

function evaluateHook(
  folder: RunFolder,
  {config, console, task, val}: Session,
  loader: BatchLoader,
  {metrics, state, signals}: {metrics: MetricsLog; state: RunState | null; signals: SignalHook},
): EvaluateHook {
  return new EvaluateHook({
    runFolder: folder.path,
    every: config.train.evaluateEvery,
    evaluate: signals.interruptible(async (stopHere) => {
      const showProgress = (done: number, total: number) => {
        stopHere();
        console.progress(() => `validating ${done}/${total}`);
      };
      const predictions = await predictPeople(task, loader, val.people, config.eval, showProgress);
      return scorePredictions(predictions, val, config.eval);
    }),
    console,
    metrics,
    best: state?.best ?? null,
  });
}

interface Recorded {
  readonly optimizer: Adam;
  readonly evaluation: EvaluateHook;
  readonly metrics: MetricsLog;
  readonly identity: RunIdentity;
}

function checkpointHook(
  folder: RunFolder,
  {config, console, task}: Session,
  {optimizer, evaluation, metrics, identity}: Recorded,
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
        model: getStateDict(task.model),
        optimizer: optimizer.state(),
        state: {
          best: evaluation.best && {...evaluation.best},
          metricsOffset: metrics.byteOffset,
          ...identity,
        },
      };
    },
    best: () => evaluation.best,
    warn: (line) => console.warn(line),
  });
}

interface Conclusion {
  readonly evaluation: EvaluateHook;
  readonly metrics: MetricsLog;
  readonly facts: readonly [string, string][];
}

/** The report, and the last lines on the console. */
async function conclude(
  folder: RunFolder,
  session: Session,
  {evaluation, metrics, facts}: Conclusion,
): Promise<void> {
  const {config, console, val} = session;
  const {best, latest} = evaluation;
  const summary = best
    ? `Best ${primaryFigure(config.eval)} ${best.figure.toFixed(3)} after epoch ${best.epoch} of ${config.train.epochs}.`
    : '';
  const report = await writeReport({
    runFolder: folder.path,
    title: config.name,
    summary: best ? [summary] : [],
    facts,
    events: readMetrics(metrics.file),
    evaluations: latest ? [{name: 'last validation', stats: latest.stats}] : [],
    pictures: latest ? await validationPictures(latest.predictions, val) : [],
    config: dumpConfig(config),
  });
  if (best) console.line(summary);
  console.line(`report: ${report}`);
}
