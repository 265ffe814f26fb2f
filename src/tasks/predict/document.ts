/** @file What `pose-predict` writes of its predictions: predictions.json, and COCO's result format. */
import type {KeypointSet} from '../../data/keypoints.js';
import type {CocoKeypointResult} from '../../metrics/cocoResults.js';
import type {ImagePrediction, PosePrediction} from './predict.js';

/** One image of predictions.json; coordinates are pixels of the image as it is stored. */
export interface PredictedImage {
  /** The path as it was given, or found in a folder. */
  readonly image: string;
  /** COCO's id, where the boxes came from a COCO file. */
  readonly imageId: number | null;
  readonly width: number;
  readonly height: number;
  readonly people: readonly PosePrediction[];
}

/** predictions.json. */
export interface PredictionDocument {
  /** The configuration's `model.name`, and the weights. */
  readonly model: string;
  readonly checkpoint: string;
  /** The names of every person's keypoints, in their order. */
  readonly keypointNames: readonly string[];
  /** Pairs of indices that are joined by a line. */
  readonly skeleton: readonly (readonly [number, number])[];
  /** In the order in which they were given. */
  readonly images: readonly PredictedImage[];
  /** Images that could not be used, and why. */
  readonly failed: readonly {readonly image: string; readonly reason: string}[];
}

export function predictionDocument(
  predictions: readonly ImagePrediction[],
  {names, skeleton}: KeypointSet,
  {model, checkpoint}: Pick<PredictionDocument, 'model' | 'checkpoint'>,
): PredictionDocument {
  return {
    model,
    checkpoint,
    keypointNames: names,
    skeleton: skeleton.map(({ends}) => ends),
    images: predictions.flatMap((prediction) => {
      if ('failure' in prediction) return [];
      const {input, width, height, people} = prediction;
      return [{image: input.file, imageId: input.imageId, width, height, people}];
    }),
    failed: predictions.flatMap((prediction) =>
      'failure' in prediction ? [{image: prediction.input.file, reason: prediction.failure}] : [],
    ),
  };
}

/** The people of all images that COCO knows. */
export function cocoResults({images}: PredictionDocument, categoryId: number): CocoKeypointResult[] {
  return images.flatMap(({imageId, people}) =>
    imageId === null
      ? []
      : people.map(({keypoints, score}) => ({
          image_id: imageId,
          category_id: categoryId,
          keypoints: keypoints.flat(),
          score,
        })),
  );
}
