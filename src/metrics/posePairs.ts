/** @file Who is who: annotated people, each with the prediction that belongs to them. */
import type {COCO} from '../cocoapi/coco.js';
import {countLabelled} from '../cocoapi/similarity.js';
import type {CocoAnnotation} from '../cocoapi/types.js';

/** One annotated person and what was predicted for them, in pixels of the image. */
export interface PosePair {
  /** The annotation's. */
  readonly id: number;
  /** [keypoints × 3]: x, y, visibility. */
  readonly truth: ArrayLike<number>;
  /** [keypoints × 3]: x, y, score; null where nobody was found. */
  readonly predicted: ArrayLike<number> | null;
  /** x, y, width, height of the annotation. */
  readonly box: ArrayLike<number>;
  /** In pixels², as OKS needs it. */
  readonly area: number;
}

/**
 * Pairs every annotated person with the nearest detection of the image: nearest in the mean distance of the labelled
 * keypoints, nearest pairs first, and no detection serves two people. Scores do not matter. Crowds, and people
 * without labelled keypoints, are left out.
 * @param images ids; the pairs come in their order
 */
export function pairNearest(truth: COCO, detections: COCO, images: readonly number[]): PosePair[] {
  return images.flatMap((image) => {
    const people = (truth.imgToAnns.get(image) ?? []).filter(
      ({iscrowd, keypoints}) => !iscrowd && keypoints !== undefined && countLabelled(keypoints) > 0,
    );
    const found = (detections.imgToAnns.get(image) ?? []).filter(({keypoints}) => keypoints !== undefined);
    const nearest = assignNearest(people, found);
    return people.map(
      ({id, keypoints, bbox, area}, p): PosePair => ({
        id,
        truth: keypoints!,
        predicted: nearest[p]?.keypoints ?? null,
        box: bbox,
        area,
      }),
    );
  });
}

function assignNearest(
  people: readonly CocoAnnotation[],
  found: readonly CocoAnnotation[],
): (CocoAnnotation | undefined)[] {
  const candidates = people.flatMap((person, p) =>
    found.flatMap((detection, d) =>
      detection.category_id === person.category_id
        ? [{p, d, distance: meanDistance(person.keypoints!, detection.keypoints!)}]
        : [],
    ),
  );
  candidates.sort((a, b) => a.distance - b.distance);
  const assigned: (CocoAnnotation | undefined)[] = people.map(() => undefined);
  const taken = new Set<number>();
  for (const {p, d} of candidates) {
    if (assigned[p] || taken.has(d)) continue;
    assigned[p] = found[d];
    taken.add(d);
  }
  return assigned;
}

/** Over the labelled keypoints of `truth`, in pixels. */
function meanDistance(truth: readonly number[], predicted: readonly number[]): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < truth.length; i += 3) {
    if (truth[i + 2] <= 0) continue;
    sum += Math.hypot(predicted[i] - truth[i], predicted[i + 1] - truth[i + 1]);
    count++;
  }
  return sum / count;
}
