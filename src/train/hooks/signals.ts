/** @file SIGTERM, SIGINT and SIGHUP end a run after the step in progress, with its checkpoint; SIGUSR1 only saves. */
import {readFileSync} from 'node:fs';
import type {Hook, Run} from '../trainer.js';

const EXIT_CODES = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143} as const;

/** Whether a terminal that closes ends the process: `nohup` has it ignored, and listening would undo that. */
export function endsByHangup(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return ignored !== undefined && (BigInt(`0x${ignored}`) & 1n) === 0n;
  } catch {
    return false;
  }
}

/** Listens while the run trains; a second signal ends the process at once. */
export class SignalHook implements Hook {
  #exitCode: number | null = null;
  #saveRequested = false;
  readonly #listeners = new Map<NodeJS.Signals, () => void>();

  constructor(
    private readonly save: (run: Run) => Promise<void>,
    private readonly say: (line: string) => void,
  ) {}

  /** The code with which the process is to end, if a signal ended the run. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  beforeTraining(run: Run): void {
    for (const [signal, code] of Object.entries(EXIT_CODES)) {
      if (signal === 'SIGHUP' && !endsByHangup()) continue;
      this.#listen(signal as NodeJS.Signals, () => {
        if (this.#exitCode !== null) process.exit(code);
        this.#exitCode = code;
        run.stopRequested = true;
        this.say(`${signal}: saving as soon as this step is done; once more ends at once.`);
      });
    }
    this.#listen('SIGUSR1', () => {
      this.#saveRequested = true;
    });
  }

  async afterStep(run: Run): Promise<void> {
    await this.#obey(run);
  }

  async afterEpoch(run: Run): Promise<void> {
    await this.#obey(run);
  }

  /**
   * Lets a signal end long work between two parts of it.
   * @param work is given a function to call between its parts
   * @returns the work, which gives null if a signal ended it
   */
  interruptible<T>(work: (stopHere: () => void) => Promise<T>): () => Promise<T | null> {
    const interruption = new Error('a signal ended this');
    const stopHere = () => {
      if (this.#exitCode !== null) throw interruption;
    };
    return async () => {
      try {
        return await work(stopHere);
      } catch (error) {
        if (error !== interruption) throw error;
        return null;
      }
    };
  }

  async #obey(run: Run): Promise<void> {
    if (!run.stopRequested && !this.#saveRequested) return;
    this.#saveRequested = false;
    await this.save(run);
  }

  afterTraining(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #listen(signal: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(signal, listener);
    process.on(signal, listener);
  }
}
