/** @file Batches of a dataset, made ahead of their use in worker threads; which ones depends on (seed, epoch) alone. */
import {type Codec, targetLength} from '../../codecs/codec.js';
import {createCodec} from '../../codecs/create.js';
import {compiledModule} from '../../packagePaths.js';
import type {SourceRange, TopDownDataset} from '../datasets/topDown.js';
import {weightedCount, weightedOrder} from '../datasets/weightedOrder.js';
import {OFF_TARGET_NUMBERS} from '../offTarget.js';
import type {LoadedBatch} from '../types.js';
import {BatchAssembler, type BatchRunner} from './batchAssembler.js';
import {batchCount} from './batchCount.js';
import {
  BatchMaker,
  type BatchRequest,
  type MadeBatch,
  type SampleSettings,
  type SampleSource,
} from './batchMaker.js';
import {type BatchSlot, BatchSlots} from './batchSlots.js';
import {Neighbours} from './neighbours.js';
import {RejectedSamples} from './replacements.js';
import {WorkerPool} from './workerPool.js';

export interface LoaderOptions extends SampleSettings {
  /** Without `ranges` everybody is seen once in an epoch. */
  readonly dataset: Pick<TopDownDataset, 'people' | 'keypointSet'> & Partial<Pick<TopDownDataset, 'ranges'>>;
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
  /** What the targets are. */
  readonly codec: Codec;
  readonly workers: number;
  readonly #options: LoaderOptions;
  readonly #slots: BatchSlots;
  readonly #pool: WorkerPool<BatchRequest, MadeBatch> | null;
  readonly #assembler: BatchAssembler;
  readonly #rejected: RejectedSamples;
  #waitedMs = 0;

  /** @throws UserError if the codec does not fit the input */
  constructor(options: LoaderOptions) {
    const {dataset, batchSize, workers, input, codec, augment, offTargets, maxBadFraction} = options;
    const {people, keypointSet} = dataset;
    this.#options = options;
    this.workers = workers;
    this.codec = createCodec(codec);
    this.batchesPerEpoch = batchCount(weightedCount(rangesOf(dataset)), batchSize, augment !== null);
    const shape = {
      images: input[0] * input[1] * 3,
      targets: targetLength(this.codec),
      targetWeights: this.codec.weights,
      offTargets: offTargets ? OFF_TARGET_NUMBERS : 0,
    };
    this.#slots = new BatchSlots(shape, batchSize);
    const source = {keypointSet, settings: sampleSettings(options)};
    this.#pool = workers > 0 ? new WorkerPool(compiledModule('data/loader/worker'), workers, source) : null;
    this.#assembler = new BatchAssembler(this.#pool ?? inThisThread(source), {
      ...options,
      people,
      neighbours: offTargets ? new Neighbours(people) : null,
    });
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
    const order = weightedOrder(rangesOf(dataset), seed, epoch, shuffle);
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

function rangesOf({people, ranges}: LoaderOptions['dataset']): readonly SourceRange[] {
  return ranges ?? [{name: '', start: 0, count: people.length, weight: 1}];
}

function sampleSettings(options: LoaderOptions): SampleSettings {
  const {input, codec, boxPadding, augment, finalAugment, offTargets, seed} = options;
  return {input, codec, boxPadding, augment, finalAugment, offTargets, seed};
}

function inThisThread(source: SampleSource): BatchRunner {
  const maker = new BatchMaker(source);
  return {run: (request) => maker.make(request)};
}
