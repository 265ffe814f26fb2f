/** @file From predicted people to COCO's keypoint results: rescoring and suppression per image, as HRNet does. */
import {groupBy} from '../grouping.js';
import {type NmsMode, suppress} from './nms.js';

export interface PersonPrediction {
  readonly imageId: number;
  /** COCO's id of the category; 1, a person, by default. */
  readonly categoryId?: number;
  /** x and y in pixels of the image, and score, of each keypoint. */
  readonly keypoints: readonly (readonly [number, number, number])[];
  readonly boxScore: number;
  /** Of the padded box, in pixels². */
  readonly area: number;
}

/** A record of COCO's keypoint results. */
export interface CocoKeypointResult {
  readonly image_id: number;
  readonly category_id: number;
  /** [keypoints × 3]: x, y, score. */
  readonly keypoints: readonly number[];
  readonly score: number;
}

export interface ResultOptions {
  /** Keypoints with scores above it enter a person's score; HRNet's is 0.2. */
  readonly keypointThreshold: number;
  /** False: a person's score is the box's alone. */
  readonly rescore: boolean;
  readonly nms: NmsMode;
  /** People of an image more similar than this are one; how far scores fall with `softOks`. HRNet's is 0.9. */
  readonly oksNms: number;
  /** One for every keypoint. */
  readonly sigmas: readonly number[];
}

/** The box's score times the mean score of the keypoints above the threshold; 0 if none is. */
export function personScore({keypoints, boxScore}: PersonPrediction, threshold: number): number {
  const scores = keypoints.map(([, , score]) => score).filter((score) => score > threshold);
  if (scores.length === 0) return 0;
  return (scores.reduce((sum, score) => sum + score, 0) / scores.length) * boxScore;
}

/** One record for every person kept; images in the order of their first prediction, people by falling score. */
export function toCocoResults(
  predictions: readonly PersonPrediction[],
  {keypointThreshold, rescore, nms, oksNms, sigmas}: ResultOptions,
): CocoKeypointResult[] {
  const scored = predictions.map((prediction) => ({
    ...prediction,
    score: rescore ? personScore(prediction, keypointThreshold) : prediction.boxScore,
  }));
  const byImage = groupBy(scored, ({imageId}) => imageId);
  return [...byImage.values()].flatMap((people) =>
    suppress(people, {mode: nms, threshold: oksNms, sigmas}).map(
      ({imageId, categoryId = 1, keypoints, score}) => ({
        image_id: imageId,
        category_id: categoryId,
        keypoints: keypoints.flat(),
        score,
      }),
    ),
  );
}
