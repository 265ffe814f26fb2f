/** @file SIGTERM and SIGINT end a run after the step in progress, with its checkpoint; SIGUSR1 only saves. */
import type {Hook, Run} from '../trainer.js';

const EXIT_CODES = {SIGINT: 130, SIGTERM: 143} as const;

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
      this.#listen(signal as NodeJS.Signals, () => {
        if (this.#exitCode !== null) process.exit(code);
        this.#exitCode = code;
        run.stopRequested = true;
        this.say(`${signal}: saving after this step; once more ends at once.`);
      });
    }
    this.#listen('SIGUSR1', () => {
      this.#saveRequested = true;
    });
  }

  async afterStep(run: Run): Promise<void> {
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
