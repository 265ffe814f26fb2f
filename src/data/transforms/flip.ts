/** @file Keypoints of a mirrored person: left and right change their names. */

/**
 * Swaps the two keypoints of each pair, in place.
 * @param values [keypoints × perKeypoint], row by row
 */
export function swapPairs(
  values: number[] | Float64Array,
  flipPairs: readonly (readonly [number, number])[],
  perKeypoint: number,
): void {
  for (const [left, right] of flipPairs) {
    for (let i = 0; i < perKeypoint; i++) {
      const [a, b] = [left * perKeypoint + i, right * perKeypoint + i];
      [values[a], values[b]] = [values[b], values[a]];
    }
  }
}
