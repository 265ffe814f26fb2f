/** @file OKS-AP of those people alone who overlap with others. */
import {COCO, COCOeval} from '../cocoapi/index.js';
import type {Config} from '../config/schema.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {Person} from '../data/types.js';
import {type PersonPrediction, toCocoResults} from '../metrics/cocoResults.js';
import type {MetricReport} from '../metrics/metricReport.js';
import {overlappingPeople, personUnder} from '../metrics/overlap.js';

export type PredictedBox = PersonPrediction & {readonly person: Person};

/**
 * COCO's evaluation as if nobody else were annotated or predicted. A detector's box counts as the person's on whose box it
 * lies most.
 * @throws UserError 'data' if annotations do not fit the predictions
 */
export function overlapReport(
  predictions: readonly PredictedBox[],
  dataset: TopDownDataset,
  config: Config['eval'] & {readonly overlapIou: number},
): MetricReport & {readonly table: string} {
  const {images, categories, annotations} = dataset.groundTruth();
  const overlapping = overlappingPeople(annotations, config.overlapIou);
  const chosen = annotations.filter(({id}) => overlapping.has(id));
  const truth = new COCO({images, categories, annotations: chosen}, dataset.annotationFile);
  const own = predictions.filter(({person}) => overlapping.has(idOf(person, annotations) ?? Number.NaN));
  const {sigmas} = dataset.keypointSet;
  const categoryId = dataset.category.id;
  const results = toCocoResults(
    own.map((prediction) => ({...prediction, categoryId})),
    {...config, sigmas},
  );
  const evaluator = new COCOeval(truth, truth.loadRes(results), 'keypoints');
  evaluator.params.imgIds = [...dataset.imageIds];
  evaluator.params.kptOksSigmas = Float64Array.from(sigmas);
  evaluator.evaluate();
  evaluator.accumulate();
  const {AP, AR} = evaluator.statsObject();
  const who = `of ${chosen.length} people who overlap (IoU >= ${config.overlapIou})`;
  return {
    figures: {AP_overlap: AP, AR_overlap: AR},
    perKeypoint: {},
    notes: chosen.length === 0 ? [`AP_overlap is -1: no two boxes have an IoU of ${config.overlapIou}.`] : [],
    table: `AP ${who}: ${AP.toFixed(3)}\nAR ${who}: ${AR.toFixed(3)}`,
  };
}

type Annotations = ReturnType<TopDownDataset['groundTruth']>['annotations'];

function idOf({annotationId, imageId, box}: Person, annotations: Annotations): number | null {
  if (annotationId !== null) return annotationId;
  const here = annotations.filter(({image_id}) => image_id === imageId);
  return personUnder(box, here)?.id ?? null;
}
