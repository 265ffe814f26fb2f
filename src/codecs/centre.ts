/** @file A person's centre: the mean of the labelled keypoints, where the network sees them (after crop and flip). */

/**
 * The centre of the keypoints whose weight is not 0.
 * @param points [keypoints × 3]: x, y, weight
 * @returns null if there are none
 */
export function centreOf(points: ArrayLike<number>): readonly [x: number, y: number] | null {
  let [x, y, count] = [0, 0, 0];
  for (let i = 0; i < points.length; i += 3) {
    if (!(points[i + 2] > 0)) continue;
    x += points[i];
    y += points[i + 1];
    count++;
  }
  return count > 0 ? [x / count, y / count] : null;
}

/** The points with their centre as one more, of weight 1; of weight 0 if there is none. */
export function withCentre(points: Float64Array): Float64Array {
  const all = new Float64Array(points.length + 3);
  all.set(points);
  const centre = centreOf(points);
  if (centre) all.set([...centre, 1], points.length);
  return all;
}
