/** @file Suppression of people by the similarity of their keypoints (HRNet, lib/nms/nms.py: `oks_nms`, `soft_oks_nms`). */

export interface ScoredPose {
  /** x, y and score of each keypoint. */
  readonly keypoints: readonly (readonly [number, number, number])[];
  readonly score: number;
  /** Of the person's padded box, in pixels². */
  readonly area: number;
}

/** `oks`: similar people are dropped; `softOks`: their scores fall before the best twenty are chosen. */
export type NmsMode = 'oks' | 'softOks' | 'none';

/** numpy's spacing(1). */
const SPACING = 2 ** -52;
/** As many of an image's people as COCO's evaluation looks at; HRNet's `max_dets`. */
const MOST_PEOPLE = 20;

/** OKS between two detections: over all keypoints, with the mean of both areas (HRNet's `oks_iou`). */
export function poseSimilarity(a: ScoredPose, b: ScoredPose, sigmas: readonly number[]): number {
  const area = (a.area + b.area) / 2 + SPACING;
  let sum = 0;
  for (let k = 0; k < sigmas.length; k++) {
    const dx = b.keypoints[k][0] - a.keypoints[k][0];
    const dy = b.keypoints[k][1] - a.keypoints[k][1];
    sum += Math.exp(-((dx ** 2 + dy ** 2) / (2 * sigmas[k]) ** 2 / area / 2));
  }
  return sum / sigmas.length;
}

/** By falling score. Of equal scores the later pose comes first, as HRNet's reversed sort has it. */
function ranked<T extends {readonly score: number}>(poses: readonly T[]): T[] {
  return [...poses].reverse().sort((a, b) => b.score - a.score);
}

/** Keeps, by falling score, every pose that is at most `threshold` similar to each one kept before it. */
export function oksNms<T extends ScoredPose>(
  poses: readonly T[],
  threshold: number,
  sigmas: readonly number[],
): T[] {
  const kept: T[] = [];
  for (const pose of ranked(poses)) {
    if (kept.every((other) => poseSimilarity(other, pose, sigmas) <= threshold)) kept.push(pose);
  }
  return kept;
}

/**
 * Chooses up to twenty poses: each time the one with the best score, whereupon the scores of the others fall by
 * exp(−similarity² / threshold) (Bodla et al. 2017, Gaussian). As in HRNet the fallen scores only decide who is
 * chosen: the poses are returned with the scores that they came with.
 */
export function softOksNms<T extends ScoredPose>(
  poses: readonly T[],
  threshold: number,
  sigmas: readonly number[],
): T[] {
  const kept: T[] = [];
  let waiting = ranked(poses.map((pose) => ({pose, score: pose.score})));
  while (waiting.length > 0 && kept.length < MOST_PEOPLE) {
    const [{pose: best}, ...others] = waiting;
    kept.push(best);
    waiting = ranked(
      others.map(({pose, score}) => ({
        pose,
        score: score * Math.exp(-(poseSimilarity(best, pose, sigmas) ** 2) / threshold),
      })),
    );
  }
  return kept;
}

/** The people of one image that are left by the suppression asked for. */
export function suppress<T extends ScoredPose>(
  poses: readonly T[],
  {mode, threshold, sigmas}: {mode: NmsMode; threshold: number; sigmas: readonly number[]},
): T[] {
  if (mode === 'oks') return oksNms(poses, threshold, sigmas);
  return mode === 'softOks' ? softOksNms(poses, threshold, sigmas) : ranked(poses);
}
