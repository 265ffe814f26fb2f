/** @file A training run from its configuration to its report: joins the parts, the hooks and the loop. */
import {join} from 'node:path';
import {writeFileAtomic} from '../checkpoint/files.js';
import {dumpConfig} from '../config/format.js';
import type {Config} from '../config/schema.js';
import {ruleReports} from '../data/datasets/inspect.js';
import type {BatchLoader} from '../data/loader/loader.js';
import {withPrecision} from '../engine/precision.js';
import {getStateDict, loadStateDict} from '../nn/stateDict.js';
import {formatDuration} from '../report/format.js';
import {MetricsLog} from '../report/metricsLog.js';
import {predictPeople, scorePredictions} from '../tasks/topDownEvaluation.js';
import {checkMetrics} from '../tasks/topDownFigures.js';
import {openLoader} from '../tasks/topDownParts.js';
import {concludeRun} from './conclude.js';
import {CheckpointHook} from './hooks/checkpoint.js';
import {DataWaitHook} from './hooks/dataWait.js';
import {EvaluateHook} from './hooks/evaluate.js';
import {finiteLoss} from './hooks/finite.js';
import {LogHook} from './hooks/log.js';
import {outputHooks} from './hooks/outputs.js';
import {RejectHook} from './hooks/rejects.js';
import {SignalHook} from './hooks/signals.js';
import {Adam} from './optimizers.js';
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

/** @param resume go on from the newest good checkpoint of the run's folder */
export async function trainFromConfig(config: Config, {resume}: {resume: boolean}): Promise<TrainOutcome> {
  const session = await openSession(config);
  checkMetrics(config.eval, session.val.keypointSet);
  const folder = await openRunFolder(config, resume, (line) => session.console.warn(line));
  const loaders = {
    train: openLoader(config, session.train, session.task, 'train'),
    val: openLoader(config, session.val, session.task, 'evaluate'),
  };
  try {
    return await trainIn(folder, session, loaders);
  } finally {
    await Promise.all([loaders.train.close(), loaders.val.close()]);
    await folder.lock.release();
  }
}

interface Loaders {
  readonly train: BatchLoader;
  readonly val: BatchLoader;
}

async function trainIn(folder: RunFolder, session: Session, loaders: Loaders): Promise<TrainOutcome> {
  const {config, console, task} = session;
  const facts = sessionFacts(session, folder.path);
  console.facts(facts);
  const optimizer = new Adam(task.model.namedParameters(), config.train.optimizer);
  const state = folder.resumed && restore(folder, session, optimizer);
  if (state && state.epoch >= config.train.epochs) {
    console.line(`The run is complete after ${state.epoch} epochs; a larger train.epochs goes on with it.`);
    return {best: state.best?.figure ?? null, signalExitCode: null};
  }
  await writeFileAtomic(join(folder.path, 'config.yaml'), dumpConfig(config));
  await writeDataReport(folder, session);
  const metrics = MetricsLog.open(join(folder.path, 'metrics.jsonl'), state?.metricsOffset ?? 0, (line) =>
    console.warn(line),
  );
  const evaluation = evaluateHook(folder, session, loaders.val, metrics, state);
  const checkpoints = checkpointHook(folder, session, {optimizer, evaluation, metrics});
  const signals = new SignalHook(
    (run) => checkpoints.save(run.progress),
    (line) => console.line(line),
  );
  const run = new Run({
    epochs: config.train.epochs,
    source: loaders.train,
    update: updateOf(session, optimizer, loaders.train.batchesPerEpoch),
    hooks: [
      new LogHook(console, metrics, config.train.logEvery),
      new RejectHook(console, metrics),
      new DataWaitHook(config.loader, (line) => console.warn(line)),
      evaluation,
      ...outputHooks({runFolder: folder.path, session, metrics, evaluation, startStep: state?.step ?? 0}),
      checkpoints,
      signals,
    ],
    progress: state ? {step: state.step, epoch: state.epoch, nextBatch: state.nextBatch} : undefined,
  });
  const started = performance.now();
  await run.train();
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

/** Takes over the newest checkpoint. */
function restore({resumed}: RunFolder, {config, task, console}: Session, optimizer: Adam): RunState {
  const {path, model, optimizer: moments} = resumed!;
  const state = readRunState(resumed!, config);
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
  metrics: MetricsLog,
  state: RunState | null,
): EvaluateHook {
  return new EvaluateHook({
    runFolder: folder.path,
    every: config.train.evaluateEvery,
    evaluate: async () => {
      const showProgress = (done: number, total: number) =>
        console.progress(() => `validating ${done}/${total}`);
      const predictions = await predictPeople(task, loader, val.people, config.eval, showProgress);
      return scorePredictions(predictions, val, config.eval);
    },
    console,
    metrics,
    best: state?.best ?? null,
  });
}

interface Recorded {
  readonly optimizer: Adam;
  readonly evaluation: EvaluateHook;
  readonly metrics: MetricsLog;
}

function checkpointHook(
  folder: RunFolder,
  {config, console, task}: Session,
  {optimizer, evaluation, metrics}: Recorded,
): CheckpointHook {
  return new CheckpointHook({
    folder: folder.checkpoints,
    keep: config.train.keepCheckpoints,
    contents: () => ({
      model: getStateDict(task.model),
      optimizer: optimizer.state(),
      state: {
        best: evaluation.best && {...evaluation.best},
        metricsOffset: metrics.byteOffset,
        seed: config.seed,
        batchSize: config.train.batchSize,
      },
    }),
    best: () => evaluation.best,
    warn: (line) => console.warn(line),
  });
}
