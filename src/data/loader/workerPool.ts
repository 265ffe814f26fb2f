/** @file A pool of worker threads that survives the death of its members. */
import {setTimeout} from 'node:timers/promises';
import {Worker} from 'node:worker_threads';
import {type ErrorKind, UserError} from '../../errors.js';

/** What a thread gets; it answers with the same id. */
export interface TaskMessage<Task> {
  readonly id: number;
  readonly task: Task;
}

/** A thread's answer. `kind` is null for an error that the user cannot mend. */
export type ResultMessage<Result> =
  | {readonly id: number; readonly result: Result}
  | {
      readonly id: number;
      readonly failure: {readonly kind: ErrorKind | null; readonly message: string; readonly stack?: string};
    };

interface PendingTask<Task, Result> {
  readonly message: TaskMessage<Task>;
  readonly whereabouts: () => string;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
  deaths: number;
}

/** How often a task is given to a new thread after the thread that had it died. */
const MAX_RETRIES = 3;
/** Threads end within milliseconds, if at all. */
const TERMINATION_MILLISECONDS = 2000;

/** Threads start when there is work for them and live until `close`. */
export class WorkerPool<Task, Result> {
  readonly #module: URL;
  readonly #size: number;
  readonly #workerData: unknown;
  readonly #waiting: PendingTask<Task, Result>[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, PendingTask<Task, Result>>();
  #nextId = 0;
  #closed = false;

  /** @param workerData passed to every thread once, by structured clone */
  constructor(module: URL, size: number, workerData: unknown) {
    this.#module = module;
    this.#size = size;
    this.#workerData = workerData;
  }

  /**
   * Has one thread carry out a task.
   * @param whereabouts says in a few words what the thread was at, should it keep dying
   * @throws UserError of the thread's own kind, or of kind 'worker' if the thread keeps dying
   */
  run(task: Task, whereabouts: () => string = () => ''): Promise<Result> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({message: {id: this.#nextId++, task}, whereabouts, resolve, reject, deaths: 0});
      this.#assign();
    });
  }

  /** Ends all threads; tasks under way are rejected. A thread that hangs in a system call is left behind. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle, ...this.#busy.keys()];
    const abandoned = [...this.#waiting, ...this.#busy.values()];
    this.#waiting.length = 0;
    this.#idle.length = 0;
    this.#busy.clear();
    for (const {reject} of abandoned) reject(closedError());
    for (const worker of workers) worker.unref();
    const patience = setTimeout(TERMINATION_MILLISECONDS, undefined, {ref: false});
    await Promise.race([Promise.all(workers.map((worker) => worker.terminate())), patience]);
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.#size ? this.#start() : null);
      if (!worker) return;
      const pending = this.#waiting.shift()!;
      this.#busy.set(worker, pending);
      worker.postMessage(pending.message);
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#module, {workerData: this.#workerData});
    let reason = 'it ended by itself';
    worker.on('message', (answer: ResultMessage<Result>) => this.#finish(worker, answer));
    worker.on('error', (error) => {
      reason = error.message;
    });
    worker.on('exit', (code) => this.#lost(worker, `${reason}, exit code ${code}`));
    return worker;
  }

  #finish(worker: Worker, answer: ResultMessage<Result>): void {
    const pending = this.#busy.get(worker);
    if (pending?.message.id !== answer.id) return;
    this.#busy.delete(worker);
    this.#idle.push(worker);
    if ('result' in answer) pending.resolve(answer.result);
    else pending.reject(revived(answer.failure));
    this.#assign();
  }

  /** A thread died: its task goes first in the queue, up to a limit. */
  #lost(worker: Worker, reason: string): void {
    const pending = this.#busy.get(worker);
    this.#busy.delete(worker);
    if (this.#idle.includes(worker)) this.#idle.splice(this.#idle.indexOf(worker), 1);
    if (!pending) return;
    pending.deaths++;
    if (pending.deaths <= MAX_RETRIES) this.#waiting.unshift(pending);
    else pending.reject(keepsDying(reason, pending.whereabouts()));
    this.#assign();
  }
}

/** The error as it was thrown in the thread. */
function revived({kind, message, stack}: {kind: ErrorKind | null; message: string; stack?: string}): Error {
  const error = kind === null ? new Error(message) : new UserError(kind, message);
  if (stack) error.stack = stack;
  return error;
}

function keepsDying(reason: string, whereabouts: string): UserError {
  return new UserError(
    'worker',
    `A loader thread died ${MAX_RETRIES + 1} times over the same batch (last: ${reason}). ${whereabouts} If memory is ` +
      'short, lower loader.workers or train.batchSize; loader.workers=0 loads without threads and shows the error itself.',
  );
}

function closedError(): Error {
  return new Error('the pool of loader threads is closed');
}
