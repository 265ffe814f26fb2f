/** @file An ablation: every combination of a matrix as a run of its own, and the table at the end. */
import {existsSync} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {join, relative} from 'node:path';
import {acquireLock} from '../../checkpoint/lock.js';
import {readMatrix} from '../../config/matrix.js';
import {EXIT_CODES, UserError} from '../../errors.js';
import {RunConsole} from '../../report/console.js';
import {formatDuration} from '../../report/format.js';
import {primaryFigure} from '../../tasks/topDownFigures.js';
import {CONSOLE_FILE, TrainingProcess} from './child.js';
import {type Plan, type PlannedRun, planRuns, progressOf, type RunProgress} from './plan.js';
import {type AblationRun, ablationTable, formatSpread, writeAblation} from './results.js';
import {spreadOf} from './statistics.js';

const SIGNAL_CODES = {SIGINT: 130, SIGTERM: 143} as const;

export interface MatrixSource {
  readonly cfg: string;
  readonly matrix: string;
  /** Of the command line, for all runs alike. */
  readonly overrides: readonly string[];
}

export interface MatrixOptions extends MatrixSource {
  /** As many runs at a time. */
  readonly jobs: number;
}

/** Reads the matrix and all configurations, and finds out how far each run has come. */
async function prepare({cfg, matrix: file, overrides}: MatrixSource) {
  const matrix = readMatrix(file);
  const plan = planRuns(cfg, overrides, matrix);
  if (plan.base.legacy) process.stderr.write(`note: ${plan.base.legacy.note}\n`);
  const progress = await Promise.all(plan.runs.map(progressOf));
  return {matrix, plan, progress};
}

const SHOWN: Readonly<Record<RunProgress['kind'], string>> = {
  new: 'to do',
  begun: 'begun',
  finished: 'finished',
  other: 'in the way: a run with other settings',
};

/** Lists the runs, and how far each has come. */
export async function listMatrix(source: MatrixSource): Promise<void> {
  const {plan, progress} = await prepare(source);
  const console = new RunConsole();
  const rows = plan.runs.map(({folder, placed}, i) => {
    const own = placed.filter(({key}) => key !== 'name' && key !== 'output');
    const values = own.map(({key, value}) => `${key}=${JSON.stringify(value)}`).join(' ');
    return [`${i + 1}/${plan.runs.length}`, folder, SHOWN[progress[i].kind], values];
  });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) console.line(row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
}

/**
 * Trains what is not finished yet, and writes the results.
 * @returns the exit code: that of a signal, else that of the first run that failed, else 0
 * @throws UserError 'usage' if the matrix or a configuration is wrong, or runs with other settings are in the way
 */
export async function runMatrix(options: MatrixOptions): Promise<number> {
  const prepared = await prepare(options);
  const {matrix, plan, progress} = prepared;
  requireOwnRuns(plan, progress);
  await mkdir(plan.folder, {recursive: true});
  const lock = await acquireLock(plan.folder);
  const {config} = plan.base;
  const about = {
    ...{title: config.name, folder: plan.folder, matrix, primary: primaryFigure(config.eval)},
    command: ['pose-train --cfg', options.cfg, '--matrix', options.matrix, ...options.overrides].join(' '),
  };
  const runner = new Runner(options, plan, progress);
  try {
    // A long ablation can be read on the way. What keeps its results from being written is told at the end.
    await runner.trainAll(progress, (runs) => writeAblation({...about, runs}).catch(() => undefined));
  } finally {
    runner.end();
    await lock.release();
  }
  const ablation = {...about, runs: runner.results};
  await writeAblation(ablation);
  runner.summarize(ablationTable(ablation));
  return runner.exitCode;
}

function requireOwnRuns({folder, runs}: Plan, progress: readonly RunProgress[]): void {
  if (existsSync(join(folder, 'checkpoints'))) {
    throw new UserError(
      'usage',
      `${folder}: a run by itself is there. Give the ablation a name of its own: name=…`,
    );
  }
  const lines = progress.flatMap((state, i) =>
    state.kind === 'other' ? [`  ${runs[i].folder}: ${state.changes.join(', ')}`] : [],
  );
  if (lines.length === 0) return;
  throw new UserError(
    'usage',
    `These folders hold runs with other settings (there → here):\n${lines.join('\n')}\n` +
      'Set the values back, delete the folders to train anew, or give the ablation another name: name=…',
  );
}

function resultOf({name, variants, seed}: PlannedRun, progress: RunProgress): AblationRun {
  return {name, variants, seed, figures: progress.kind === 'finished' ? progress.figures : null};
}

class Runner {
  readonly #console = new RunConsole();
  readonly #results: AblationRun[];
  readonly #failed: string[] = [];
  readonly #listeners: [NodeJS.Signals, () => void][] = [];
  readonly #running = new Set<TrainingProcess>();
  #signal: keyof typeof SIGNAL_CODES | null = null;
  #failure: number = EXIT_CODES.done;

  constructor(
    private readonly options: MatrixOptions,
    private readonly plan: Plan,
    progress: readonly RunProgress[],
  ) {
    this.#results = plan.runs.map((run, i) => resultOf(run, progress[i]));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const listener = () => this.#stop(signal);
      this.#listeners.push([signal, listener]);
      process.on(signal, listener);
    }
  }

  get results(): readonly AblationRun[] {
    return this.#results;
  }

  get exitCode(): number {
    return this.#signal === null ? this.#failure : SIGNAL_CODES[this.#signal];
  }

  end(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  /** @param save called with the results of all runs after each that was trained, once at a time */
  async trainAll(
    progress: readonly RunProgress[],
    save: (runs: readonly AblationRun[]) => Promise<void>,
  ): Promise<void> {
    const left = this.plan.runs.entries();
    let saved = Promise.resolve();
    const trainNext = async () => {
      for (const [i, run] of left) {
        this.#results[i] = await this.#finish(run, i, progress[i]);
        if (progress[i].kind !== 'finished') saved = saved.then(() => save(this.#results));
      }
    };
    await Promise.all(Array.from({length: this.options.jobs}, trainNext));
    await saved;
  }

  async #finish(run: PlannedRun, i: number, before: RunProgress): Promise<AblationRun> {
    const isDone = before.kind === 'finished' || this.#signal !== null;
    const after = isDone ? before : await this.#train(run, i, before);
    const result = resultOf(run, after);
    if (before.kind === 'finished') this.#say(i, `${this.#figure(result.figures)}, finished before`);
    return result;
  }

  /** The table, and what became of the rest. */
  summarize(table: string): void {
    const open = this.#results.filter(({figures}) => figures === null).length;
    if (this.#results.some(({figures}) => figures !== null)) this.#console.line(`\n${table}`);
    const {folder} = this.plan;
    this.#console.line(`results: ${folder}/ablation.md, ablation.svg, ablation.json`);
    if (this.#failed.length > 0) this.#console.warn(`failed: ${this.#failed.join(', ')}`);
    if (open > 0)
      this.#console.line(
        `${open} of ${this.#results.length} runs are not finished; the same command goes on.`,
      );
  }

  async #train(run: PlannedRun, i: number, before: RunProgress): Promise<RunProgress> {
    this.#say(i, before.kind === 'begun' ? 'goes on' : 'starts');
    const started = performance.now();
    const training = await TrainingProcess.start(run, {
      ...this.options,
      onProgress: (line) => this.#console.progress(() => `${this.#label(i)}: ${line}`),
    });
    this.#running.add(training);
    // A signal may have come before there was a process to pass it to.
    if (this.#signal !== null) training.kill(this.#signal);
    const {code, signal, complaint} = await training.ended;
    this.#running.delete(training);
    const after = await progressOf(run);
    const took = formatDuration((performance.now() - started) / 1000);
    if (code === EXIT_CODES.done && after.kind === 'finished') {
      this.#say(i, `${this.#figure(after.figures)}, ${took}`);
    } else if (this.#signal !== null) {
      this.#say(i, `stopped after ${took}`);
    } else {
      this.#fail(run, i, {
        code,
        reason: code === null ? `ended by ${signal}` : `exit code ${code}`,
        complaint,
      });
    }
    return after;
  }

  #fail(
    run: PlannedRun,
    i: number,
    {code, reason, complaint}: {code: number | null; reason: string; complaint: string},
  ): void {
    this.#failed.push(run.name);
    if (this.#failure === EXIT_CODES.done)
      this.#failure = code === null || code === 0 ? EXIT_CODES.worker : code;
    const log = relative(process.cwd(), `${run.folder}/${CONSOLE_FILE}`);
    this.#say(i, `failed (${reason}; ${log}); the others go on`);
    if (complaint !== '') this.#console.line(complaint.replaceAll(/^/gm, '    '));
  }

  #stop(signal: keyof typeof SIGNAL_CODES): void {
    this.#signal ??= signal;
    this.#console.line(`${signal}: what is being trained is saved; once more ends it at once.`);
    for (const training of this.#running) training.kill(signal);
  }

  #label(i: number): string {
    return `[${i + 1}/${this.plan.runs.length}] ${this.plan.runs[i].name}`;
  }

  #say(i: number, text: string): void {
    this.#console.line(`${this.#label(i)}: ${text}`);
  }

  #figure(figures: Readonly<Record<string, number>> | null): string {
    const name = primaryFigure(this.plan.base.config.eval);
    const value = figures?.[name];
    return `${name} ${value === undefined || value === -1 ? '–' : formatSpread(spreadOf([value]))}`;
  }
}
