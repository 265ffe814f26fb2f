/** @file Validation of a top-down model: predictions for every person, COCO results, OKS-AP. */
import {COCO, COCOeval, explainMinusOne, type KeypointStats} from '../cocoapi/index.js';
import type {Config} from '../config/schema.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {BatchLoader} from '../data/loader/loader.js';
import {inputToImage} from '../data/transforms/affine.js';
import type {Batch, Person} from '../data/types.js';
import {type CocoKeypointResult, type PersonPrediction, toCocoResults} from '../metrics/cocoResults.js';
import type {TopDownTask} from './topDown.js';

export interface PredictedPerson extends PersonPrediction {
  readonly person: Person;
}

export interface Evaluation {
  readonly predictions: readonly PredictedPerson[];
  readonly results: readonly CocoKeypointResult[];
  readonly stats: KeypointStats;
  /** The ten figures as pycocotools prints them. */
  readonly table: string;
  /** In words, why figures are −1; null if none is. */
  readonly note: string | null;
}

type EvaluationConfig = Config['eval'];

/** The keypoints of a batch's people in pixels of their images, with their scores. */
function decodeBatch(
  outputs: readonly Float32Array[],
  batch: Batch,
  people: readonly Person[],
  task: TopDownTask,
): PredictedPerson[] {
  const count = task.keypointSet.names.length;
  const {coordinates, scores} = task.decode(outputs, batch.samples.length);
  const regions = batch.samples.map(({region}) => region);
  const points = inputToImage(coordinates, regions, task.config.input, task.codec.convention);
  return batch.samples.map(({index, region: {size}}, i) => {
    const keypoints = task.keypointSet.names.map((_, k): [number, number, number] => {
      const at = i * count + k;
      return [points[2 * at], points[2 * at + 1], scores[at]];
    });
    const person = people[index];
    // HRNet compares people by the area of their padded boxes.
    return {
      person,
      imageId: person.imageId,
      keypoints,
      boxScore: person.score,
      area: size[0] * size[1],
      categoryId: 1,
    };
  });
}

/** Predicts every person that the loader gives. */
export async function predictPeople(
  task: TopDownTask,
  loader: BatchLoader,
  people: readonly Person[],
  config: EvaluationConfig,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<PredictedPerson[]> {
  const predictions: PredictedPerson[] = [];
  for await (const batch of loader.batches(0)) {
    predictions.push(...decodeBatch(task.predict(batch, config), batch, people, task));
    onProgress(predictions.length, people.length);
  }
  return predictions;
}

/** Scores predictions against the dataset's annotations. */
export async function scorePredictions(
  predictions: readonly PredictedPerson[],
  dataset: TopDownDataset,
  config: EvaluationConfig,
): Promise<Evaluation> {
  const {sigmas} = dataset.keypointSet;
  const results = toCocoResults(predictions, {...config, sigmas});
  const truth = await COCO.fromFile(dataset.annotationFile);
  const evaluator = new COCOeval(truth, truth.loadRes(results), 'keypoints');
  evaluator.params.imgIds = [...dataset.imageIds];
  evaluator.params.kptOksSigmas = Float64Array.from(sigmas);
  evaluator.evaluate();
  evaluator.accumulate();
  const table = evaluator.summarize();
  return {predictions, results, table, stats: evaluator.statsObject(), note: explainMinusOne(evaluator)};
}
