/** @file Batches of a dataset, made ahead of their use in worker threads; which ones depends on (seed, epoch) alone. */
import type {Codec} from '../../codecs/codec.js';
import {createCodec} from '../../codecs/create.js';
import {compiledModule} from '../../packagePaths.js';
import type {TopDownDataset} from '../datasets/topDown.js';
import type {Batch} from '../types.js';
import {BatchMaker, type BatchRequest, type SampleSettings} from './batchMaker.js';
import {batchCount, epochOrder} from './order.js';
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
}

/**
 * Neither `workers` nor `prefetch` changes a batch by a bit. The loader's whole state is (epoch, next batch), so a
 * resumed run calls `batches(epoch, startBatch)`.
 */
export class BatchLoader {
  readonly batchesPerEpoch: number;
  /** What the targets are. */
  readonly codec: Codec;
  readonly #options: LoaderOptions;
  readonly #pool: WorkerPool<BatchRequest, Batch> | null;
  readonly #maker: BatchMaker | null;
  #waitedMs = 0;

  /** @throws UserError if the codec does not fit the input */
  constructor(options: LoaderOptions) {
    const {dataset, batchSize, workers, input, codec, boxPadding, augment, seed} = options;
    this.#options = options;
    this.codec = createCodec(codec);
    this.batchesPerEpoch = batchCount(dataset.people.length, batchSize, augment !== null);
    const source = {
      people: dataset.people,
      keypointSet: dataset.keypointSet,
      settings: {input, codec, boxPadding, augment, seed},
    };
    this.#pool = workers > 0 ? new WorkerPool(compiledModule('data/loader/worker'), workers, source) : null;
    this.#maker = workers > 0 ? null : new BatchMaker(source);
  }

  /** Milliseconds for which consumers have waited for batches so far. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /**
   * The batches of an epoch in order, from `startBatch` on.
   * @throws UserError from the iteration if an image cannot be used, or if threads keep dying
   */
  async *batches(epoch: number, startBatch = 0): AsyncGenerator<Batch, void, undefined> {
    const ahead: Promise<Batch>[] = [];
    const requests = this.#requests(epoch, startBatch);
    const depth = this.#pool ? this.#options.prefetch : 0;
    while (true) {
      const started = performance.now();
      this.#prepare(ahead, requests, Math.max(1, depth));
      const next = ahead.shift();
      if (!next) return;
      const batch = await next;
      this.#waitedMs += performance.now() - started;
      this.#prepare(ahead, requests, depth);
      yield batch;
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#pool?.close();
  }

  *#requests(epoch: number, startBatch: number): Generator<BatchRequest, void, undefined> {
    const {dataset, seed, shuffle, batchSize} = this.#options;
    const order = epochOrder(dataset.people.length, seed, epoch, shuffle);
    for (let batch = startBatch; batch < this.batchesPerEpoch; batch++) {
      yield {epoch, indices: order.slice(batch * batchSize, (batch + 1) * batchSize)};
    }
  }

  /** Starts batches until `count` are under way. */
  #prepare(ahead: Promise<Batch>[], requests: Generator<BatchRequest, void, undefined>, count: number): void {
    while (ahead.length < count) {
      const {value: request} = requests.next();
      if (!request) return;
      const batch = this.#pool ? this.#pool.run(request) : this.#maker!.make(request);
      // Seen when its turn comes; a consumer that stops earlier never looks.
      batch.catch(() => {});
      ahead.push(batch);
    }
  }
}
