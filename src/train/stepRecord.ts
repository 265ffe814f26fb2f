/** @file What the batches of one step took, and what was wrong with them. */
import type {BatchWork, LoadedBatch, ReplacedSample} from '../data/types.js';

export interface StepTimes {
  readonly samples: number;
  /** Time of the whole step, and the part of it spent waiting for data. */
  readonly milliseconds: number;
  readonly waitedMilliseconds: number;
  /** Samples that could not be used, and what the batches took in the loader. */
  readonly replaced: readonly ReplacedSample[];
  readonly work: BatchWork;
}

/** Begins with the wait for the step's first batch. */
export class StepRecord {
  readonly #start = performance.now();
  #end = this.#start;
  #waited = 0;
  #samples = 0;
  #batches = 0;
  readonly #replaced: ReplacedSample[] = [];
  #work: BatchWork = {total: 0, reading: 0, decoding: 0, drawing: 0};

  /** How many batches have come. */
  get batches(): number {
    return this.#batches;
  }

  /** A batch is here, and its work begins. */
  arrived({samples, replaced, work}: LoadedBatch): void {
    this.#waited += performance.now() - this.#end;
    this.#batches++;
    this.#samples += samples.length;
    this.#replaced.push(...replaced);
    const {total, reading, decoding, drawing} = this.#work;
    this.#work = {
      total: total + work.total,
      reading: reading + work.reading,
      decoding: decoding + work.decoding,
      drawing: drawing + work.drawing,
    };
  }

  /** The work on a batch is over. */
  done(): void {
    this.#end = performance.now();
  }

  times(): StepTimes {
    return {
      samples: this.#samples,
      milliseconds: this.#end - this.#start,
      waitedMilliseconds: this.#waited,
      replaced: this.#replaced,
      work: this.#work,
    };
  }
}
