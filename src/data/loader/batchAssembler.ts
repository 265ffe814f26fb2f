/** @file One batch from its indices: has it made, has others take the place of samples that cannot be used. */
import {UserError} from '../../errors.js';
import type {BatchWork, LoadedBatch, Person, ReplacedSample, SampleInfo} from '../types.js';
import type {BatchRequest, MadeBatch, SampleRequest} from './batchMaker.js';
import {type BatchSlot, firstOf} from './batchSlots.js';
import type {Neighbours} from './neighbours.js';
import {RejectedSamples, replacements} from './replacements.js';
import {watched} from './watchdog.js';

/** Who makes batches: a pool of threads, or this thread. */
export interface BatchRunner {
  run(request: BatchRequest, whereabouts: () => string): Promise<MadeBatch>;
}

export interface AssemblyOptions {
  readonly people: readonly Person[];
  readonly seed: number;
  readonly timeoutSeconds: number;
  /** null: a sample that cannot be used is an error. */
  readonly maxBadFraction: number | null;
  /** null: samples need not know of other people. */
  readonly neighbours: Neighbours | null;
}

/** Whoever finds no usable image after so many gives up; a limit below 1 on bad samples stops much sooner. */
const MAX_ROUNDS = 50;

export class BatchAssembler {
  constructor(
    private readonly runner: BatchRunner,
    private readonly options: AssemblyOptions,
  ) {}

  /**
   * @param indices of the people
   * @throws UserError of kind 'data' if too many samples cannot be used, 'worker' if threads die or the disk hangs
   */
  async assemble(epoch: number, indices: Uint32Array, slot: BatchSlot): Promise<LoadedBatch> {
    const {people, maxBadFraction} = this.options;
    const samples = new Array<SampleInfo>(indices.length);
    const replaced: ReplacedSample[] = [];
    const candidates = Array.from(indices, (index) => this.#candidates(epoch, index));
    let requests = Array.from(indices, (index, position) => this.#request(index, position));
    let work: BatchWork = {total: 0, reading: 0, decoding: 0, drawing: 0};
    for (let round = 0; requests.length > 0; round++) {
      const made = await this.#run({epoch, slot, count: indices.length, samples: requests});
      work = sum(work, made.work);
      const next: typeof requests = [];
      for (const [i, sample] of made.samples.entries()) {
        const {index, position} = requests[i];
        if (!('failure' in sample)) {
          samples[position] = sample;
          continue;
        }
        if (maxBadFraction === null || round === MAX_ROUNDS) throw new UserError('data', sample.failure);
        const replacement = candidates[position].next().value;
        replaced.push({index, replacement, reason: sample.failure});
        next.push(this.#request(replacement, position));
      }
      // Ahead of the count over the whole run, lest a disk that went away be searched to its end.
      if (maxBadFraction !== null) new RejectedSamples(people.length, maxBadFraction).add(replaced);
      requests = next;
    }
    return {...firstOf(indices.length, slot), samples, replaced, work};
  }

  #request(index: number, position: number): SampleRequest {
    const {people, neighbours} = this.options;
    return {index, position, person: people[index], others: neighbours?.of(index) ?? []};
  }

  #candidates(epoch: number, index: number): Generator<number, never, undefined> {
    return replacements(this.options.people.length, this.options.seed, epoch, index);
  }

  #run(request: BatchRequest): Promise<MadeBatch> {
    const {progress} = request.slot;
    Atomics.store(progress, 0, -1);
    const whereabouts = () => describe(request.samples, progress);
    return watched(this.runner.run(request, whereabouts), this.options.timeoutSeconds, {
      progress: () => Atomics.load(progress, 0),
      whereabouts,
    });
  }
}

/** Where the thread is that fills the slot. */
function describe(samples: readonly SampleRequest[], progress: Int32Array): string {
  const [at, thread] = [Atomics.load(progress, 0), Atomics.load(progress, 1)];
  const name = thread === 0 ? 'The main thread' : `Loader thread ${thread}`;
  return `${name} was at ${samples[Math.max(0, at)].person.imageFile}.`;
}

function sum(a: BatchWork, b: BatchWork): BatchWork {
  return {
    total: a.total + b.total,
    reading: a.reading + b.reading,
    decoding: a.decoding + b.decoding,
    drawing: a.drawing + b.drawing,
  };
}
