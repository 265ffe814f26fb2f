/** @file What becomes of a run when a step's loss, gradient or statistics are not finite; such a step changes no weights. */
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../checkpoint/files.js';
import type {TrainConfig} from '../../config/schema.js';
import type {Person, SampleInfo} from '../../data/types.js';
import {UserError} from '../../errors.js';
import type {MetricsLog} from '../../report/metricsLog.js';
import type {Hook, Progress, Run, StepReport} from '../trainer.js';
import type {NonFinite} from '../updater.js';

/** What a checkpoint remembers of it. */
export interface FiniteState {
  /** Bad steps in a row. */
  readonly inARow: number;
  readonly rollbacks: number;
  /** Steps that are left out, counted from 0. */
  readonly leftOut: readonly number[];
}

export interface FiniteHookOptions {
  readonly config: TrainConfig['onNonFinite'];
  readonly runFolder: string;
  readonly seed: number;
  readonly people: readonly Person[];
  readonly metrics: Pick<MetricsLog, 'append'>;
  readonly warn: (line: string) => void;
  /** Saves the run as it stands before its first step. */
  readonly saveStart: (run: Run) => Promise<void>;
  /** Takes the newest checkpoint over. @returns where it stands */
  readonly rollBack: () => Promise<Progress>;
  readonly state?: FiniteState;
}

const ADVICE =
  'Try a lower train.optimizer.learningRate, a longer train.schedule.warmupSteps or train.clipGradNorm, and check the data.';

export class FiniteHook implements Hook {
  #inARow: number;
  #rollbacks: number;
  readonly #leftOut: Set<number>;
  #problem: NonFinite | null = null;

  constructor(private readonly options: FiniteHookOptions) {
    const {inARow = 0, rollbacks = 0, leftOut = []} = options.state ?? {};
    this.#inARow = inARow;
    this.#rollbacks = rollbacks;
    this.#leftOut = new Set(leftOut);
  }

  get state(): FiniteState {
    return {inARow: this.#inARow, rollbacks: this.#rollbacks, leftOut: [...this.#leftOut]};
  }

  /** Whether this step, counted from 0, is one that a rollback leaves out. */
  leavesOut(step: number): boolean {
    return this.#leftOut.has(step);
  }

  /** Takes note of what the step in progress met with; dealt with after it. */
  note(problem: NonFinite | null): void {
    this.#problem = problem;
  }

  async beforeTraining(run: Run): Promise<void> {
    if (this.options.config.policy === 'rollback' && run.progress.step === 0)
      await this.options.saveStart(run);
  }

  async afterStep(run: Run, report: StepReport): Promise<void> {
    const problem = this.#problem;
    this.#problem = null;
    if (!problem) {
      if (!report.skipped) this.#inARow = 0;
      return;
    }
    const {policy} = this.options.config;
    const dump = await this.#dump(run, report, problem);
    const {step} = run.progress;
    const what = `${describe(report)} at step ${step}; the weights were left as they were before it. ${dump} has the samples and the norms.`;
    if (policy === 'stop') throw new UserError('diverged', `${what} ${ADVICE}`);
    if (policy === 'skip') this.#skip(what);
    else await this.#goBack(run, what);
    const {loss, gradNorm} = report;
    this.options.metrics.append({type: 'nonFinite', step, epoch: run.progress.epoch, loss, gradNorm});
  }

  #skip(what: string): void {
    const {limit} = this.options.config;
    if (++this.#inARow > limit) {
      throw new UserError(
        'diverged',
        `${what} It was the ${ordinal(this.#inARow)} such step in a row, and train.onNonFinite.limit is ${limit}. ${ADVICE}`,
      );
    }
    this.options.warn(`${what} The batch is left out.`);
  }

  async #goBack(run: Run, what: string): Promise<void> {
    const {config, rollBack, warn} = this.options;
    if (++this.#rollbacks > config.limit) {
      throw new UserError(
        'diverged',
        `${what} It was the ${ordinal(this.#rollbacks)} time, and train.onNonFinite.limit is ${config.limit}. ${ADVICE}`,
      );
    }
    const bad = run.progress.step - 1;
    for (const step of [bad - 1, bad]) if (step >= 0) this.#leftOut.add(step);
    const progress = await rollBack();
    run.goTo(progress);
    warn(
      `${what} The run goes back to its checkpoint of step ${progress.step} and leaves out steps ${Math.max(bad, 1)} to ${bad + 1}.`,
    );
  }

  /** @returns the file */
  async #dump({progress}: Run, report: StepReport, problem: NonFinite): Promise<string> {
    const {runFolder, seed} = this.options;
    const folder = join(runFolder, 'nonfinite');
    const file = join(folder, `step-${String(progress.step).padStart(8, '0')}.json`);
    const {diagnosis, batches, gradientNorms} = problem;
    const {loss, gradNorm, learningRate} = report;
    const content = {
      ...{step: progress.step, epoch: progress.epoch, seed, learningRate},
      ...{loss, gradNorm, firstBadLayer: diagnosis.firstBadLayer, notFinite: this.#notFinite(problem)},
      batches: batches.map(({loss, samples}) => ({
        loss,
        samples: samples.map((sample) => this.#describe(sample)),
      })),
      gradientNorms: Object.fromEntries(gradientNorms),
    };
    await mkdir(folder, {recursive: true});
    await writeFileAtomic(file, `${JSON.stringify(content, inWords, 1)}\n`);
    return file;
  }

  /** What was not finite before the step: state by name, inputs of the last batch by sample. */
  #notFinite({diagnosis: {inputs, state}, batches}: NonFinite) {
    const {samples} = batches.at(-1)!;
    const named = (places: readonly number[]) => places.map((i) => this.#describe(samples[i]));
    return {
      state,
      images: named(inputs.images),
      targets: named(inputs.targets),
      targetWeights: named(inputs.weights),
    };
  }

  #describe({index, flipped, region}: SampleInfo) {
    const {annotationId, imageId, imageFile} = this.options.people[index];
    return {index, annotationId, imageId, imageFile, flipped, region};
  }
}

function describe({loss, gradNorm}: StepReport): string {
  if (!Number.isFinite(loss)) return `The loss became ${loss}`;
  if (!Number.isFinite(gradNorm)) return `The gradient's length became ${gradNorm}`;
  return "A batch norm's running statistics became not finite";
}

function ordinal(count: number): string {
  return `${count}${['th', 'st', 'nd', 'rd'][count % 100 > 10 && count % 100 < 14 ? 0 : count % 10] ?? 'th'}`;
}

/** JSON has no such numbers: their names stand for them. */
function inWords(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
