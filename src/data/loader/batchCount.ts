/** @file How many batches an epoch has. */

/**
 * Batches of an epoch. Training drops an incomplete last batch, lest a few samples weigh as much as a whole batch, but
 * keeps it if it is the only one; evaluation keeps every sample.
 */
export function batchCount(samples: number, batchSize: number, training: boolean): number {
  const complete = Math.floor(samples / batchSize);
  return training && complete > 0 ? complete : Math.ceil(samples / batchSize);
}
