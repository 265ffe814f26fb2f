/** @file numpy's sum, in its own order of additions: the same last bit, and so the same third decimal. */

/** Numbers that numpy adds without splitting them further. */
const BLOCK = 128;

/** The sum of `values` as `numpy.sum` computes it for contiguous doubles (numpy, `pairwise_sum`). */
export function pairwiseSum(values: readonly number[], start = 0, end = values.length): number {
  const count = end - start;
  if (count > BLOCK) {
    const half = Math.floor(count / 2);
    const middle = start + half - (half % 8);
    return pairwiseSum(values, start, middle) + pairwiseSum(values, middle, end);
  }
  return count < 8 ? plainSum(values, start, end, 0) : eightLaneSum(values, start, end);
}

function plainSum(values: readonly number[], start: number, end: number, first: number): number {
  let sum = first;
  for (let i = start; i < end; i++) sum += values[i];
  return sum;
}

function eightLaneSum(values: readonly number[], start: number, end: number): number {
  const lanes = values.slice(start, start + 8);
  const whole = end - ((end - start) % 8);
  for (let i = start + 8; i < whole; i++) lanes[(i - start) % 8] += values[i];
  const [a, b, c, d, e, f, g, h] = lanes;
  return plainSum(values, whole, end, a + b + (c + d) + (e + f + (g + h)));
}
