/** @file What every command does alike: options, overrides, and how errors end it. */
import {spawn} from 'node:child_process';
import yargs, {type Argv} from 'yargs';
import {hideBin} from 'yargs/helpers';
import {EXIT_CODES, exitCodeOf, UserError} from '../errors.js';
import {translateOutOfMemory} from './outOfMemory.js';

/**
 * A parser with the house's rules: unknown options and missing commands are usage errors, and of an option that is
 * given twice the last one counts, as with overrides.
 */
export function commandLine(name: string, usage: string): Argv {
  return (
    yargs(hideBin(process.argv))
      .scriptName(name)
      .usage(usage)
      .option('verbose', {type: 'boolean', default: false, describe: 'print the stack of an error'})
      .strictOptions()
      // Overrides are taken as they are written.
      .parserConfiguration({'duplicate-arguments-array': false, 'parse-positional-numbers': false})
      .help()
      .alias('help', 'h')
      .version(false)
      .wrap(100)
      .fail((message, error) => {
        // yargs reports some usage errors by an error of its own.
        if (error && error.name !== 'YError') throw error;
        throw new UserError('usage', `${name}: ${message}. See "${name} --help".`);
      })
  );
}

/** The positional arguments that are left: `key=value` overrides. */
export function overridesOf(positional: readonly (string | number)[]): string[] {
  return positional.map(String);
}

/**
 * Tells the user of the error.
 * @returns the exit code with which the command ends
 */
async function report(thrown: unknown): Promise<number> {
  const error = await translateOutOfMemory(thrown);
  print(error);
  return exitCodeOf(error);
}

function print(error: unknown): void {
  const isVerbose = process.argv.includes('--verbose');
  if (error instanceof UserError) {
    process.stderr.write(`error: ${error.message}\n`);
    if (isVerbose) process.stderr.write(`${error.stack}\n`);
    return;
  }
  const text = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`error: this is a bug, not something that you did.\n${text}\n`);
}

/**
 * Runs a command to its end and ends the process with its exit code.
 * @param main returns the exit code, or nothing for 0
 */
export async function runCommand(main: () => Promise<number | undefined>): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that went away (`| head`) is no error.
      if (error.code !== 'EPIPE') throw error;
    });
  }
  process.on('uncaughtException', async (error) => {
    process.exit(await report(error));
  });
  try {
    process.exitCode = (await main()) ?? EXIT_CODES.done;
  } catch (error) {
    process.exitCode = await report(error);
    // A read that never returns would keep the process for ever.
    if (process.exitCode === EXIT_CODES.worker) leave(process.exitCode);
  }
}

/** Ends the process now; one whose threads hang in a system call, which Node waits for even then, by a signal. */
function leave(exitCode: number): never {
  const kill = `sleep 2; kill -KILL ${process.pid}`;
  spawn('sh', ['-c', kill], {detached: true, stdio: 'ignore'})
    .on('error', () => {})
    .unref();
  process.exit(exitCode);
}
