/** @file In which precision convolutions and matrix products are carried out. */

/**
 * bf16: convolutions and matrix products take and give bfloat16, and what follows them in a network works on their
 * results in that type; weights, statistics, losses and optimisers stay in float32. Backends without bfloat16 pay no heed.
 */
export type Precision = 'fp32' | 'bf16';

let current: Precision = 'fp32';

/** Runs `body` in a precision. */
export function withPrecision<T>(precision: Precision, body: () => T): T {
  const outer = current;
  current = precision;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** The precision in force. */
export function currentPrecision(): Precision {
  return current;
}
