/** @file Brings the next batch to a GPU while it computes the step in progress. */
import {setImmediate} from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import type {Batch, LoadedBatch} from '../data/types.js';
import type {TopDownInputs} from '../tasks/topDown.js';
import type {BatchSource} from './trainer.js';

type Asked = Promise<IteratorResult<LoadedBatch>>;

/**
 * Batches of a source, each with its tensors. Of a batch in use only `samples`, `replaced` and `work` may be read: the
 * memory of its arrays may hold the next one's.
 */
export class UploadAhead implements BatchSource {
  #batches: AsyncGenerator<LoadedBatch> | null = null;
  #asked: Asked | null = null;
  /** The batch that was brought last, until it is taken. */
  #brought: {batch: Batch; inputs: TopDownInputs} | null = null;

  constructor(
    private readonly source: BatchSource,
    private readonly upload: (batch: Batch) => TopDownInputs,
  ) {}

  get batchesPerEpoch(): number {
    return this.source.batchesPerEpoch;
  }

  async *batches(epoch: number, startBatch: number): AsyncGenerator<LoadedBatch> {
    this.#batches = this.source.batches(epoch, startBatch);
    try {
      while (true) {
        const {value, done} = await this.#ask();
        this.#asked = null;
        if (done) return;
        yield value;
      }
    } finally {
      // An answer that is still to come is of no use to anybody.
      this.#asked?.catch(() => {});
      this.#asked = null;
      this.#drop();
      await this.#batches.return(undefined);
    }
  }

  #ask(): Asked {
    this.#asked ??= this.#batches!.next();
    return this.#asked;
  }

  /** The tensors of the batch that the loop was given; they are the caller's. */
  take(batch: Batch): TopDownInputs {
    const brought = this.#brought;
    if (brought?.batch === batch) {
      this.#brought = null;
      return brought.inputs;
    }
    this.#drop();
    return this.upload(batch);
  }

  /** Frees what was brought for nothing. */
  #drop(): void {
    if (this.#brought) tf.dispose({...this.#brought.inputs});
    this.#brought = null;
  }

  /** Once the batch in use is on its way: brings the next one too, if it is there already. */
  async bringNext(): Promise<void> {
    const asked = this.#ask();
    // An error is met when its batch is asked for.
    const answer = await Promise.race([asked.catch(() => null), setImmediate(null)]);
    if (!answer || answer.done) return;
    this.#brought = {batch: answer.value, inputs: this.upload(answer.value)};
  }
}
