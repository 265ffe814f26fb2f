/** @file Suppression of people by the similarity of their keypoints (HRNet, lib/nms/nms.py, `oks_nms`). */

export interface ScoredPose {
  /** x, y and score of each keypoint. */
  readonly keypoints: readonly (readonly [number, number, number])[];
  readonly score: number;
  /** Of the person's padded box, in pixels². */
  readonly area: number;
}

/** numpy's spacing(1). */
const SPACING = 2 ** -52;

/** OKS between two detections: over all keypoints, with the mean of both areas (HRNet's `oks_iou`). */
export function poseSimilarity(a: ScoredPose, b: ScoredPose, sigmas: readonly number[]): number {
  const area = (a.area + b.area) / 2 + SPACING;
  const terms = sigmas.map((sigma, k) => {
    const dx = b.keypoints[k][0] - a.keypoints[k][0];
    const dy = b.keypoints[k][1] - a.keypoints[k][1];
    return Math.exp(-((dx ** 2 + dy ** 2) / (2 * sigma) ** 2 / area / 2));
  });
  return terms.reduce((sum, term) => sum + term, 0) / sigmas.length;
}

/**
 * Keeps, by falling score, every pose that is at most `threshold` similar to each one kept before it.
 * Of equal scores the later pose comes first, as HRNet's reversed sort has it.
 */
export function oksNms<T extends ScoredPose>(
  poses: readonly T[],
  threshold: number,
  sigmas: readonly number[],
): T[] {
  const kept: T[] = [];
  for (const pose of [...poses].reverse().sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => poseSimilarity(other, pose, sigmas) <= threshold)) kept.push(pose);
  }
  return kept;
}
