/** @file A run's TensorBoard event files: a new one each time that the run starts, whole records only. */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeSync,
} from 'node:fs';
import {join} from 'node:path';
import {messageOf} from '../../errors.js';
import {restartRecord, type SummaryValue, summaryRecord, versionRecord} from './records.js';

export interface EventFileOptions {
  /** The run's `tensorboard/`. */
  readonly folder: string;
  /** The step from which the run goes on, 0 at its start; what earlier files say of later ones is void. */
  readonly resumedStep: number;
  /** Told once each time that writing begins to fail. */
  readonly warn: (message: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const NAME = /^events\.out\.tfevents\.(\d+)\./;

/**
 * Appends summaries to an event file. Nothing that goes wrong with it stops the training: records wait in memory, a folder
 * that was removed is made again, and what a full disk cut off is cut off wholly, because TensorBoard reads no further
 * than a damaged record.
 */
export class EventFile {
  readonly #options: EventFileOptions;
  readonly #now: () => number;
  #pending: Buffer[];
  /** Empty until the first write. */
  #file = '';
  /** Bytes of whole records in the file. */
  #length = 0;
  #failing = false;

  constructor(options: EventFileOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#pending = [restartRecord(this.#now() / 1000, options.resumedStep + 1)];
  }

  /** The file that is written now. */
  get file(): string {
    return this.#file;
  }

  /** Makes void what was written of `step` and later ones, which will come again. */
  goBack(step: number): void {
    this.#pending.push(restartRecord(this.#now() / 1000, step));
  }

  /** Numbers of one step by their tags. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    this.#append(
      step,
      Object.entries(values).map(([tag, scalar]) => ({tag, scalar})),
    );
  }

  /** A picture; while nothing can be written it is lost, for many of them would fill the memory. */
  picture(step: number, tag: string, image: {file: Buffer; width: number; height: number}): void {
    this.#append(step, [{tag, image}]);
    if (this.#failing) this.#pending.pop();
  }

  #append(step: number, values: readonly SummaryValue[]): void {
    this.#pending.push(summaryRecord(this.#now() / 1000, step, values));
    this.#write(false);
  }

  /** Makes all records durable. */
  sync(): void {
    this.#write(true);
  }

  #write(durably: boolean): void {
    try {
      if (this.#file === '') this.#begin();
      this.#writePending(durably);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        this.#options.warn(
          `${this.#options.folder}: TensorBoard's file cannot be written (${messageOf(error)}); training goes on`,
        );
      }
      this.#failing = true;
    }
  }

  /** A file whose name sorts after those of all others: TensorBoard reads them in this order. */
  #begin(): void {
    const {folder} = this.#options;
    mkdirSync(folder, {recursive: true});
    const earlier = readdirSync(folder).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
    const seconds = Math.max(Math.floor(this.#now() / 1000), ...earlier.map((time) => time + 1));
    const name = `events.out.tfevents.${String(seconds).padStart(10, '0')}.posecraft`;
    const file = join(folder, name);
    closeSync(openSync(file, 'wx'));
    this.#file = file;
    this.#length = 0;
    this.#pending.unshift(versionRecord(this.#now() / 1000));
  }

  /** Opened each time: a folder that was removed shows at once. */
  #writePending(durably: boolean): void {
    let descriptor = this.#open();
    try {
      if (descriptor === null) {
        this.#options.warn(`${this.#file}: was removed; TensorBoard's file is begun anew`);
        this.#begin();
        descriptor = openSync(this.#file, 'r+');
      }
      while (this.#pending.length > 0) {
        writeWhole(descriptor, this.#pending[0], this.#length);
        this.#length += this.#pending.shift()!.length;
      }
      if (durably) fsyncSync(descriptor);
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  /** null if the file is gone, or is no longer the one that was written. */
  #open(): number | null {
    let descriptor: number;
    try {
      descriptor = openSync(this.#file, 'r+');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    if (fstatSync(descriptor).size >= this.#length) return descriptor;
    closeSync(descriptor);
    return null;
  }
}

/** Writes a record at `position`, or nothing of it. */
function writeWhole(descriptor: number, record: Buffer, position: number): void {
  try {
    for (let at = 0; at < record.length; )
      at += writeSync(descriptor, record, at, record.length - at, position + at);
  } catch (error) {
    ftruncateSync(descriptor, position);
    throw error;
  }
}
