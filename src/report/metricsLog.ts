/** @file metrics.jsonl, the run's log for programs: one JSON line an event, safe to cut and to go on with after a crash. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {dirname} from 'node:path';
import {messageOf, UserError} from '../errors.js';

export type MetricsValue = number | string | boolean | null;

/**
 * One line of the log. `train` events carry `loss` (`loss.feature` … its terms), `learningRate`, `imagesPerSecond`, `dataWaitShare` (0 to 1) and
 * what else the task reports; `eval` events the validation's figures (`AP` …); `reject` events a `sample` that could not be
 * used, its `replacement` (indices of people) and the `reason`; `nonFinite` events the `loss` and `gradNorm` of a step that
 * was left out; `run` events facts of a start.
 */
export interface MetricsEvent {
  readonly type: 'train' | 'eval' | 'reject' | 'nonFinite' | 'run';
  readonly step: number;
  readonly epoch: number;
  readonly [name: string]: MetricsValue;
}

const NEWLINE = 0x0a;
const NON_FINITE: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity']);

/** JSON has no NaN: a number that is not finite is written as its name and read back as the number. */
function encode(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function decode(_key: string, value: unknown): unknown {
  return typeof value === 'string' && NON_FINITE.has(value) ? Number(value) : value;
}

function warnOnStderr(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}

/** Appends events to a log file. A disk that fails never stops the training: its lines wait in memory. */
export class MetricsLog {
  #pending: Buffer = Buffer.alloc(0);
  #failing = false;
  #byteOffset: number;
  readonly #listeners: ((event: MetricsEvent) => void)[] = [];

  private constructor(
    readonly file: string,
    byteOffset: number,
    private readonly warn: (message: string) => void,
  ) {
    this.#byteOffset = byteOffset;
  }

  /**
   * Opens a log, or begins one. A last line that a crash tore is dropped.
   * @param truncateTo the `byteOffset` of the checkpoint from which the run goes on: later lines will be written again
   * @param warn told once each time that the log begins to fail
   * @throws UserError (storage) if the file cannot be opened
   */
  static open(file: string, truncateTo?: number, warn: (message: string) => void = warnOnStderr): MetricsLog {
    let length: number;
    try {
      mkdirSync(dirname(file), {recursive: true});
      writeFileSync(file, '', {flag: 'a'});
      const content = readFileSync(file);
      length = content.subarray(0, truncateTo).lastIndexOf(NEWLINE) + 1;
      if (length < content.length) truncateSync(file, length);
    } catch (error) {
      const advice = 'Check the permissions and the disk, or set "output" to another folder.';
      throw new UserError('storage', `${file}: cannot be written (${messageOf(error)}). ${advice}`, {
        cause: error,
      });
    }
    if (truncateTo !== undefined && length < truncateTo) {
      warn(`${file}: ends ${truncateTo - length} bytes before the checkpoint; the missing lines are lost`);
    }
    return new MetricsLog(file, length, warn);
  }

  /** The log's length in bytes, lines that still wait for the disk included: what a checkpoint remembers. */
  get byteOffset(): number {
    return this.#byteOffset;
  }

  /** Whether every line is in the file, and none waits for the disk. */
  get isComplete(): boolean {
    return this.#pending.length === 0;
  }

  /** Tells of every event that is appended from now on. */
  subscribe(listener: (event: MetricsEvent) => void): void {
    this.#listeners.push(listener);
  }

  append(event: MetricsEvent): void {
    const line = Buffer.from(`${JSON.stringify(event, encode)}\n`);
    this.#byteOffset += line.length;
    this.#pending = Buffer.concat([this.#pending, line]);
    this.#write(false);
    for (const listener of this.#listeners) listener(event);
  }

  /** Cuts the log to the `byteOffset` of the checkpoint from which the run goes on. */
  rewind(byteOffset: number): void {
    // What waits for the disk is the end of the log.
    const onDisk = this.#byteOffset - this.#pending.length;
    this.#pending = this.#pending.subarray(0, Math.max(0, byteOffset - onDisk));
    this.#byteOffset = Math.min(byteOffset, this.#byteOffset);
    if (byteOffset >= onDisk) return;
    try {
      truncateSync(this.file, byteOffset);
    } catch (error) {
      this.warn(`${this.file}: cannot be cut (${messageOf(error)}); some steps will stand in it twice`);
    }
  }

  /** Makes every line durable; to be called before a checkpoint that remembers `byteOffset`. */
  sync(): void {
    this.#write(true);
  }

  #write(durably: boolean): void {
    try {
      // Opened each time: a file that was moved or a disk that came back is found again.
      const descriptor = openSync(this.file, 'a');
      try {
        while (this.#pending.length > 0) {
          this.#pending = this.#pending.subarray(writeSync(descriptor, this.#pending));
        }
        if (durably) fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        this.warn(
          `${this.file}: cannot be written (${messageOf(error)}); training goes on, the lines wait in memory`,
        );
      }
      this.#failing = true;
    }
  }
}

/**
 * The events of a log, in order; a torn last line is left out.
 * @throws UserError (data) if the file is missing or a line is not valid
 */
export function readMetrics(file: string): MetricsEvent[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError('data', `${file}: cannot be read (${messageOf(error)}).`, {cause: error});
  }
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line, decode) as MetricsEvent;
    } catch (error) {
      const message = `${file}:${i + 1}: not a line of JSON. Remove this line and try again.`;
      throw new UserError('data', message, {cause: error});
    }
  });
}
