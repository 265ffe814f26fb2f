/** @file What a run leaves behind when it ends by a bug: the stack in a file, and its folder free for the next. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {inspect} from 'node:util';
import {EXIT_CODES, isOutOfMemory, UserError} from '../errors.js';
import type {RunFolder} from './runFolder.js';

export const CRASH_FILE = 'crash.txt';

export interface CrashWatch {
  /** Writes an error that no user can mend into the run's folder. @returns the error */
  recorded(error: unknown): unknown;
  /** The run has ended by itself. */
  end(): void;
}

function write(file: string, error: unknown): void {
  const {node, v8} = process.versions;
  const facts = [new Date().toISOString(), `Node ${node}, V8 ${v8}, ${process.platform} ${process.arch}`];
  const memory = `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most`;
  const text = [...facts, process.argv.slice(1).join(' '), memory, '', inspect(error, {depth: 3})].join('\n');
  try {
    writeFileSync(file, `${text}\n`);
    process.stderr.write(`What happened is also in ${file}.\n`);
  } catch {
    // The error itself is told in any case.
  }
}

/** Watches, until `end`, for errors that nobody catches, and for the end of the process. */
export function watchForCrashes({path, lock}: Pick<RunFolder, 'path' | 'lock'>): CrashWatch {
  const recorded = (error: unknown): unknown => {
    if (!(error instanceof UserError) && !isOutOfMemory(error)) write(join(path, CRASH_FILE), error);
    return error;
  };
  const onExit = (code: number): void => {
    lock.releaseNow();
    if (code !== EXIT_CODES.done) return;
    // Whoever waits for the run must not take it for finished.
    process.exitCode = EXIT_CODES.bug;
    recorded(new Error('the process ended in the middle of the run, without a reason'));
  };
  process.on('uncaughtExceptionMonitor', recorded);
  process.on('exit', onExit);
  return {
    recorded,
    end: () => {
      process.off('uncaughtExceptionMonitor', recorded);
      process.off('exit', onExit);
    },
  };
}
