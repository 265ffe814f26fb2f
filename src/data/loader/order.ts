/** @file In which order an epoch visits the samples: a function of (seed, epoch) alone. */
import {stream} from '../../random.js';

/** Sample indices in the order of the epoch: a permutation if `shuffle`, else 0 … count − 1. */
export function epochOrder(count: number, seed: number, epoch: number, shuffle: boolean): Uint32Array {
  return shuffle
    ? stream(seed, 'order', epoch).permutation(count)
    : Uint32Array.from({length: count}, (_, i) => i);
}

/**
 * Batches of an epoch. Training drops an incomplete last batch, lest a few samples weigh as much as a whole batch, but
 * keeps it if it is the only one; evaluation keeps every sample.
 */
export function batchCount(samples: number, batchSize: number, training: boolean): number {
  const complete = Math.floor(samples / batchSize);
  return training && complete > 0 ? complete : Math.ceil(samples / batchSize);
}
