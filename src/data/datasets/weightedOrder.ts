/**
 * @file How often the people of each annotation file are seen in an epoch: a weight of 0.3 shows three tenths of them, others
 * in each epoch; a weight of 2 shows each of them twice.
 */
import {stream} from '../../random.js';
import type {SourceRange} from './topDown.js';

/** How many samples an epoch has. */
export function weightedCount(ranges: readonly SourceRange[]): number {
  return ranges.reduce((sum, range) => sum + samplesOf(range), 0);
}

/**
 * The people of an epoch in their order, a function of (seed, epoch) alone. With weights of 1 it is every person once: in
 * the order of a plain permutation if `shuffle`, else 0, 1, 2 …
 */
export function weightedOrder(
  ranges: readonly SourceRange[],
  seed: number,
  epoch: number,
  shuffle: boolean,
): Uint32Array {
  const chosen = ranges.flatMap((range, i) =>
    chosenOf(range, shuffle ? stream(seed, `order/${i}`, epoch) : null),
  );
  if (!shuffle) return Uint32Array.from(chosen);
  return stream(seed, 'order', epoch)
    .permutation(chosen.length)
    .map((at) => chosen[at]);
}

function samplesOf({count, weight}: SourceRange): number {
  return Math.round(count * weight);
}

/** Everybody as often as the weight is whole, and of the rest as many as are left over. */
function chosenOf(range: SourceRange, random: ReturnType<typeof stream> | null): number[] {
  const {start, count} = range;
  if (count === 0) return [];
  const total = samplesOf(range);
  const whole = Math.floor(total / count);
  const all = Array.from({length: count}, (_, i) => start + i);
  const chosen = Array.from({length: whole}, () => all).flat();
  const left = total - whole * count;
  if (left === 0) return chosen;
  const some = random
    ? Array.from(random.permutation(count).subarray(0, left), (i) => start + i)
    : all.slice(0, left);
  return [...chosen, ...some];
}
