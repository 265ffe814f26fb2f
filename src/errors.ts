/** @file The two kinds of failure: a UserError (something the user can mend) and a bug (everything else). */

/** Process exit codes; 130 and 143 (signals) are added by the trainer. */
export const EXIT_CODES = {
  done: 0,
  usage: 2,
  data: 3,
  diverged: 4,
  outOfMemory: 5,
  storage: 6,
  checkpoint: 7,
  worker: 8,
  bug: 70,
} as const;

export type ErrorKind = Exclude<keyof typeof EXIT_CODES, 'done' | 'bug'>;

/**
 * An error that the user can act on. The message says what is wrong, where (file and key), and how to mend it.
 * Commands print the message alone and exit with the code of its kind.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';

  constructor(
    readonly kind: ErrorKind,
    message: string,
    options?: {cause?: unknown},
  ) {
    super(message, options);
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind];
  }
}

/** What was thrown, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Memory, of the machine or of the device, was asked for and not to be had. */
export class OutOfMemoryError extends UserError {
  override readonly name = 'OutOfMemoryError';

  constructor(message: string, options?: {cause?: unknown}) {
    super('outOfMemory', message, options);
  }
}

/** What V8 writes of an array that is too large for it. */
const TOO_LARGE = /^(Array buffer allocation failed|Invalid typed array length: \d+)$/;

/** Whether an error says that memory ran out, of libtorch's or of JavaScript's arrays. */
export function isOutOfMemory(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof RangeError) return TOO_LARGE.test(error.message);
  return (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_MEMORY';
}

/** What was going on when an error arose, for its message. */
const circumstances = new WeakMap<object, string>();

/** Notes what was going on; of what was noted before, nothing is lost. */
export function noteCircumstances(error: unknown, text: string): void {
  if (error instanceof Error && !circumstances.has(error)) circumstances.set(error, text);
}

export function circumstancesOf(error: Error): string | null {
  return circumstances.get(error) ?? null;
}

/** The exit code with which a command ends after `error`. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UserError ? error.exitCode : EXIT_CODES.bug;
}
