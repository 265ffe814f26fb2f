/** @file Validation of a top-down model: predictions for every person, COCO results, figures. */
import type {Config} from '../config/schema.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {BatchLoader} from '../data/loader/loader.js';
import {inputToImage} from '../data/transforms/affine.js';
import type {Batch, Person} from '../data/types.js';
import {type CocoKeypointResult, type PersonPrediction, toCocoResults} from '../metrics/cocoResults.js';
import type {FigureName, PerKeypoint} from '../metrics/metricReport.js';
import {mapsOf} from './caseMaps.js';
import {type CaseOutput, ExtremeCases} from './extremeCases.js';
import type {TopDownTask} from './topDown.js';
import {primaryFigure, topDownFigures} from './topDownFigures.js';

export interface PredictedPerson extends PersonPrediction {
  readonly person: Person;
  /** Of the people found best and worst in a validation, for people to look at. */
  readonly output?: CaseOutput;
}

export interface Evaluation {
  readonly predictions: readonly PredictedPerson[];
  readonly results: readonly CocoKeypointResult[];
  /** The figures of all metrics by name; −1 where there was nothing to measure. */
  readonly stats: Readonly<Record<string, number>>;
  readonly perKeypoint: PerKeypoint;
  /** The one by which checkpoints are compared. */
  readonly primary: {readonly name: FigureName; readonly value: number};
  /** The figures as text; those of OKS as pycocotools prints them. */
  readonly table: string;
  /** In words, why figures are −1 or 0, and what they leave out; null if there is nothing to say. */
  readonly note: string | null;
}

type EvaluationConfig = Config['eval'];

/** The keypoints of a batch's people in pixels of their images, with their scores. */
export function decodeBatch(
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
  const cases = new ExtremeCases(task.keypointSet.sigmas);
  for await (const batch of loader.batches(0)) {
    const outputs = task.predict(batch, config);
    decodeBatch(outputs, batch, people, task).forEach((prediction, i) => {
      const {region} = batch.samples[i];
      cases.add(predictions.length, prediction, () => ({region, ...mapsOf(task, outputs, i)}));
      predictions.push(prediction);
    });
    onProgress(predictions.length, people.length);
  }
  for (const [index, output] of cases.outputs) predictions[index] = {...predictions[index], output};
  return predictions;
}

/** Scores predictions against the dataset's annotations. */
export async function scorePredictions(
  predictions: readonly PredictedPerson[],
  dataset: TopDownDataset,
  config: EvaluationConfig,
): Promise<Evaluation> {
  const ofCategory = predictions.map((prediction) => ({...prediction, categoryId: dataset.category.id}));
  const results = toCocoResults(ofCategory, {...config, sigmas: dataset.keypointSet.sigmas});
  const {figures, perKeypoint, notes, table} = await topDownFigures(predictions, results, dataset, config);
  const name = primaryFigure(config);
  return {
    predictions,
    results,
    stats: figures,
    perKeypoint,
    primary: {name, value: figures[name]},
    table,
    note: notes.length > 0 ? notes.join('\n') : null,
  };
}
