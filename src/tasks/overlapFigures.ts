/** @file OKS-AP of those people alone who overlap with others. */
import {COCO, COCOeval} from '../cocoapi/index.js';
import type {CocoAnnotation} from '../cocoapi/types.js';
import type {Config} from '../config/schema.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {Person} from '../data/types.js';
import {groupBy} from '../grouping.js';
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
  const byImage = groupBy(annotations, ({image_id}) => image_id);
  const isChosen = ({person}: PredictedBox) =>
    overlapping.has(idOf(person, byImage.get(person.imageId) ?? []) ?? Number.NaN);
  const own = predictions.filter(isChosen);
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

/** @param annotations of the person's image */
function idOf({annotationId, box}: Person, annotations: readonly CocoAnnotation[]): number | null {
  return annotationId ?? personUnder(box, annotations)?.id ?? null;
}
