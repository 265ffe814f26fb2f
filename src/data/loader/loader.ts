/** @file Batches of a dataset, made ahead of their use in worker threads; which ones depends on (seed, epoch) alone. */
import {UserError} from '../../errors.js';
import {compiledModule} from '../../packagePaths.js';
import type {TopDownDataset} from '../datasets/topDown.js';
import type {LoadedBatch} from '../types.js';
import {BatchAssembler, type BatchRunner} from './batchAssembler.js';
import {
  BatchMaker,
  type BatchRequest,
  type MadeBatch,
  type SampleSettings,
  type SampleSource,
} from './batchMaker.js';
import {type BatchSlot, BatchSlots} from './batchSlots.js';
import {batchCount, epochOrder} from './order.js';
import {RejectedSamples} from './replacements.js';
import {WorkerPool} from './workerPool.js';

export interface LoaderOptions extends SampleSettings {
  readonly dataset: Pick<TopDownDataset, 'people' | 'keypointSet'>;
  readonly batchSize: number;
  /** Visit the samples in a new order each epoch. */
  readonly shuffle: boolean;
  /** Threads; 0 makes each batch in the calling thread when it is asked for. */
  readonly workers: number;
  /** Batches prepared ahead of the one in use; as many threads can be busy. */
  readonly prefetch: number;
  /** How long a thread may wait for one image. */
  readonly timeoutSeconds: number;
  /** Replace samples whose image cannot be used, up to this share of them; null stops at the first. */
  readonly maxBadFraction: number | null;
}

/** A batch under way, and its memory. */
interface Upcoming {
  readonly slot: BatchSlot;
  readonly batch: Promise<LoadedBatch>;
}

/**
 * Neither `workers` nor `prefetch` changes a batch by a bit. The loader's whole state is (epoch, next batch), so a
 * resumed run calls `batches(epoch, startBatch)`.
 */
export class BatchLoader {
  readonly batchesPerEpoch: number;
  /** [height, width] of the targets. */
  readonly heatmapSize: readonly [number, number];
  readonly workers: number;
  readonly #options: LoaderOptions;
  readonly #slots: BatchSlots;
  readonly #pool: WorkerPool<BatchRequest, MadeBatch> | null;
  readonly #assembler: BatchAssembler;
  readonly #rejected: RejectedSamples;
  #waitedMs = 0;

  /** @throws UserError if the input is no multiple of the stride */
  constructor(options: LoaderOptions) {
    const {dataset, batchSize, workers, input, stride, augment, maxBadFraction} = options;
    if (input.some((length) => length % stride !== 0)) {
      throw new UserError(
        'usage',
        `model.input: ${input.join('x')} is not a multiple of the stride ${stride}.`,
      );
    }
    const {people, keypointSet} = dataset;
    const count = keypointSet.names.length;
    this.#options = options;
    this.workers = workers;
    this.heatmapSize = [input[0] / stride, input[1] / stride];
    this.batchesPerEpoch = batchCount(people.length, batchSize, augment !== null);
    const [height, width] = this.heatmapSize;
    const shape = {images: input[0] * input[1] * 3, targets: height * width * count, targetWeights: count};
    this.#slots = new BatchSlots(shape, batchSize);
    const source = {keypointSet, settings: sampleSettings(options)};
    this.#pool = workers > 0 ? new WorkerPool(compiledModule('data/loader/worker'), workers, source) : null;
    this.#assembler = new BatchAssembler(this.#pool ?? inThisThread(source), {...options, people});
    this.#rejected = new RejectedSamples(people.length, maxBadFraction ?? 0);
  }

  /** Milliseconds for which consumers have waited for batches so far. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /**
   * The batches of an epoch in order, from `startBatch` on. Memory is used again: a batch holds its values until the
   * next one is asked for.
   * @throws UserError from the iteration if too many images cannot be used ('data'), if reading one takes too long or
   *   threads keep dying ('worker')
   */
  async *batches(epoch: number, startBatch = 0): AsyncGenerator<LoadedBatch, void, undefined> {
    const ahead: Upcoming[] = [];
    const upcoming = this.#upcoming(epoch, startBatch);
    const depth = this.#pool ? this.#options.prefetch : 0;
    try {
      while (true) {
        const started = performance.now();
        prepare(ahead, upcoming, Math.max(1, depth));
        const next = ahead.shift();
        if (!next) return;
        const batch = await next.batch;
        this.#rejected.add(batch.replaced);
        this.#waitedMs += performance.now() - started;
        prepare(ahead, upcoming, depth);
        try {
          yield batch;
        } finally {
          this.#slots.giveBack(next.slot);
        }
      }
    } finally {
      // Left early: threads may still write into the memory of what comes next.
      for (const {batch, slot} of ahead) batch.then(() => this.#slots.giveBack(slot)).catch(() => {});
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#pool?.close();
  }

  /** Batches begun one by one, as they are asked for. */
  *#upcoming(epoch: number, startBatch: number): Generator<Upcoming, void, undefined> {
    const {dataset, seed, shuffle, batchSize} = this.#options;
    const order = epochOrder(dataset.people.length, seed, epoch, shuffle);
    for (let at = startBatch; at < this.batchesPerEpoch; at++) {
      const indices = order.slice(at * batchSize, (at + 1) * batchSize);
      const slot = this.#slots.take();
      const batch = this.#assembler.assemble(epoch, indices, slot);
      // Seen when its turn comes; a consumer that stops earlier never looks.
      batch.catch(() => {});
      yield {slot, batch};
    }
  }
}

/** Starts batches until `count` are under way. */
function prepare(ahead: Upcoming[], upcoming: Generator<Upcoming, void, undefined>, count: number): void {
  while (ahead.length < count) {
    const {value} = upcoming.next();
    if (!value) return;
    ahead.push(value);
  }
}

function sampleSettings(options: LoaderOptions): SampleSettings {
  const {input, stride, sigma, unbiased, boxPadding, augment, seed} = options;
  return {input, stride, sigma, unbiased, boxPadding, augment, seed};
}

function inThisThread(source: SampleSource): BatchRunner {
  const maker = new BatchMaker(source);
  return {run: (request) => maker.make(request)};
}
