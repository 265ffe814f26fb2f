/** @file One run of an ablation as a process of its own: memory, threads and faults of one do not reach the next. */
import {type ChildProcess, spawn} from 'node:child_process';
import {createWriteStream} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {dump} from 'js-yaml';
import {PACKAGE_ROOT} from '../../packagePaths.js';
import type {PlannedRun} from './plan.js';

/** What the process printed, for people who look for the reason of a failure. */
export const CONSOLE_FILE = 'console.log';
/** As many of its last complaints are told when it failed. */
const TOLD_LINES = 8;

export interface ChildOutcome {
  /** The exit code; null if a signal ended it that it does not handle. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr. */
  readonly complaint: string;
}

export interface ChildOptions {
  readonly cfg: string;
  /** Of the command line, for all runs alike. */
  readonly overrides: readonly string[];
  /** Is told of every line that says how far the run is. */
  readonly onProgress: (line: string) => void;
}

/** `key=value` as it is written on a command line. */
function argumentOf(key: string, value: unknown): string {
  return `${key}=${dump(value, {flowLevel: 0, lineWidth: -1}).trimEnd()}`;
}

/** Trains in another process; a run that was begun goes on. */
export class TrainingProcess {
  readonly ended: Promise<ChildOutcome>;
  readonly #child: ChildProcess;
  readonly #complaints: string[] = [];

  private constructor(run: PlannedRun, {cfg, overrides, onProgress}: ChildOptions) {
    const own = run.placed.map(({key, value}) => argumentOf(key, value));
    const command = join(PACKAGE_ROOT, 'bin', 'pose-train.js');
    // A group of its own: Ctrl-C reaches this process alone, which passes it on once. The channel tells it if we die.
    this.#child = spawn(process.execPath, [command, '--cfg', cfg, ...overrides, ...own, '--resume'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const log = createWriteStream(join(run.folder, CONSOLE_FILE), {flags: 'a'});
    // A full disk must not end the run.
    log.on('error', () => {});
    this.#readLines('stdout', (line) => {
      log.write(`${line}\n`);
      if (/^(epoch \d+\/|validating )/.test(line)) onProgress(line);
    });
    this.#readLines('stderr', (line) => {
      log.write(`${line}\n`);
      if (!line.startsWith('note: ')) this.#complaints.push(line);
    });
    this.ended = this.#outcome().finally(() => log.end());
  }

  static async start(run: PlannedRun, options: ChildOptions): Promise<TrainingProcess> {
    await mkdir(run.folder, {recursive: true});
    return new TrainingProcess(run, options);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #outcome(): Promise<ChildOutcome> {
    return new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => {
        resolve({code, signal, complaint: this.#complaints.slice(-TOLD_LINES).join('\n')});
      });
    });
  }

  #readLines(name: 'stdout' | 'stderr', take: (line: string) => void): void {
    let rest = '';
    const stream = this.#child[name]!.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) take(line);
    });
    stream.on('end', () => {
      if (rest !== '') take(rest);
    });
  }
}

/** In a run that an ablation started: if the process that started it is gone, it saves and ends, as by SIGTERM. */
export function endWithParent(): void {
  if (process.channel === undefined) return;
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}
