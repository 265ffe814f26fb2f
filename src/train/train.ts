/** @file A training run from its configuration to its report: joins the parts, the hooks and the loop. */
import {join} from 'node:path';
import {writeFileAtomic} from '../checkpoint/files.js';
import type {Checkpoint} from '../checkpoint/load.js';
import {dumpConfig} from '../config/format.js';
import type {Config} from '../config/schema.js';
import {ruleReports} from '../data/datasets/inspect.js';
import type {BatchLoader} from '../data/loader/loader.js';
import {UserError} from '../errors.js';
import {formatDuration} from '../report/format.js';
import {writeReport} from '../report/htmlReport.js';
import {MetricsLog, readMetrics} from '../report/metricsLog.js';
import {predictPeople, scorePredictions} from '../tasks/topDownEvaluation.js';
import {checkMetrics, primaryFigure} from '../tasks/topDownFigures.js';
import {openLoader} from '../tasks/topDownParts.js';
import {CheckpointHook, openCheckpoints} from './hooks/checkpoint.js';
import {DataWaitHook} from './hooks/dataWait.js';
import {EmaHook} from './hooks/ema.js';
import {EvaluateHook} from './hooks/evaluate.js';
import {FiniteHook} from './hooks/finite.js';
import {LogHook} from './hooks/log.js';
import {LossWatchHook} from './hooks/lossWatch.js';
import {RejectHook} from './hooks/rejects.js';
import {SignalHook} from './hooks/signals.js';
import {Learner} from './learner.js';
import {validationPictures} from './pictures.js';
import {openRunFolder, type RunFolder} from './runFolder.js';
import {type RunState, readRunState} from './runState.js';
import {openSession, type Session, sessionFacts} from './session.js';
import {type Progress, Run, stepsPerEpoch} from './trainer.js';
import {updateOf} from './update.js';
import {UploadAhead} from './uploadAhead.js';

export interface TrainOutcome {
  /** The primary figure (AP) of the best validation; null if there was none. */
  readonly best: number | null;
  /** The process's exit code if a signal ended the run. */
  readonly signalExitCode: number | null;
}

/** @param resume go on from the newest good checkpoint of the run's folder */
export async function trainFromConfig(config: Config, {resume}: {resume: boolean}): Promise<TrainOutcome> {
  const session = await openSession(config);
  checkMetrics(config.eval, session.val.keypointSet);
  const learner = new Learner(session.task, config.train);
  const folder = await openRunFolder(config, resume, (line) => session.console.warn(line));
  const loaders = {
    train: openLoader(config, session.train, session.task, 'train'),
    val: openLoader(config, session.val, session.task, 'evaluate'),
  };
  try {
    return await trainIn(folder, session, loaders, learner);
  } finally {
    learner.dispose();
    await Promise.all([loaders.train.close(), loaders.val.close()]);
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
  learner: Learner,
): Promise<TrainOutcome> {
  const {config, console, task} = session;
  const facts = sessionFacts(session, folder.path);
  console.facts(facts);
  const state = folder.resumed && restore(folder.resumed, session, learner);
  if (state && state.epoch >= config.train.epochs) {
    console.line(`The run is complete after ${state.epoch} epochs; a larger train.epochs goes on with it.`);
    return {best: state.best?.figure ?? null, signalExitCode: null};
  }
  await writeFileAtomic(join(folder.path, 'config.yaml'), dumpConfig(config));
  await writeDataReport(folder, session);
  const metrics = MetricsLog.open(join(folder.path, 'metrics.jsonl'), state?.metricsOffset ?? 0, (line) =>
    console.warn(line),
  );
  const evaluation = evaluateHook(folder, session, {learner, loader: loaders.val, metrics, state});
  const checkpoints: CheckpointHook = checkpointHook(folder, session, {
    ...{learner, evaluation, metrics},
    finite: () => finite,
  });
  const finite = finiteHook(folder, session, {learner, checkpoints, metrics, state});
  const signals = new SignalHook(
    (run) => checkpoints.save(run.progress),
    (line) => console.line(line),
  );
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
      checkpoints,
      signals,
    ],
    progress: state ? progressOf(state) : undefined,
  });
  const started = performance.now();
  await run.train();
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

/** Takes over a checkpoint. */
function restore(checkpoint: Checkpoint, {config, console}: Session, learner: Learner): RunState {
  const state = readRunState(checkpoint, config);
  learner.restore(checkpoint, state.averageUpdates ?? 0);
  if (learner.average && !checkpoint.ema)
    console.warn(`${checkpoint.path} has no averaged weights; the average begins with its weights.`);
  console.line(`resumed from ${checkpoint.path}: epoch ${state.epoch + 1}, batch ${state.nextBatch + 1}`);
  return state;
}

const progressOf = ({step, epoch, nextBatch}: RunState): Progress => ({step, epoch, nextBatch});

interface Validated {
  readonly learner: Learner;
  readonly loader: BatchLoader;
  readonly metrics: MetricsLog;
  readonly state: RunState | null;
}

function evaluateHook(
  folder: RunFolder,
  {config, console, task, val}: Session,
  {learner, loader, metrics, state}: Validated,
): EvaluateHook {
  const showProgress = (done: number, total: number) => console.progress(() => `validating ${done}/${total}`);
  return new EvaluateHook({
    runFolder: folder.path,
    every: config.train.evaluateEvery,
    evaluate: async () => {
      const predictions = await learner.withBestWeights(() =>
        predictPeople(task, loader, val.people, config.eval, showProgress),
      );
      return scorePredictions(predictions, val, config.eval);
    },
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
}

function finiteHook(
  folder: RunFolder,
  session: Session,
  {learner, checkpoints, metrics, state}: Guarded,
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
      const newest = await openCheckpoints(folder.checkpoints, warn);
      if (!newest)
        throw new UserError('diverged', `${folder.checkpoints}: there is no checkpoint to go back to.`);
      const restored = restore(newest, session, learner);
      metrics.rewind(restored.metricsOffset);
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
}

function checkpointHook(
  folder: RunFolder,
  {config, console}: Session,
  {learner, evaluation, metrics, finite}: Recorded,
): CheckpointHook {
  return new CheckpointHook({
    folder: folder.checkpoints,
    keep: config.train.keepCheckpoints,
    contents: () => ({
      ...learner.contents(),
      state: {
        best: evaluation.best && {...evaluation.best},
        metricsOffset: metrics.byteOffset,
        seed: config.seed,
        batchSize: config.train.batchSize,
        averageUpdates: learner.average?.updates ?? 0,
        finite: {...finite().state},
      },
    }),
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
