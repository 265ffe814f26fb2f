/** @file The pictures of a run's report: validation people with predicted and true skeletons, best and worst. */
import {COCO} from '../cocoapi/coco.js';
import {oks} from '../cocoapi/similarity.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {KeypointSet} from '../data/keypoints.js';
import {contactSheet, type Tile} from '../report/contactSheet.js';
import {type DrawnPerson, drawPeople} from '../report/drawings.js';
import type {ReportPicture} from '../report/htmlReport.js';
import type {PredictedPerson} from '../tasks/topDownEvaluation.js';

const IMAGES = 12;
const LAYOUT = {columns: 4, tileWidth: 300, tileHeight: 240};

interface ImageOfPeople {
  readonly file: string;
  readonly people: readonly PredictedPerson[];
  /** The mean similarity of the predictions to the annotations they belong to. */
  readonly similarity: number;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The OKS of a prediction with the annotation whose box it was made from; null for a detector's box. */
function similarity(
  {person, keypoints}: PredictedPerson,
  truth: COCO,
  sigmas: readonly number[],
): number | null {
  const annotation = person.annotationId === null ? undefined : truth.anns.get(person.annotationId);
  if (!annotation) return null;
  return oks({...annotation, keypoints: keypoints.flat()}, annotation, sigmas);
}

function byImage(predictions: readonly PredictedPerson[], truth: COCO, set: KeypointSet): ImageOfPeople[] {
  const images = new Map<string, PredictedPerson[]>();
  for (const prediction of predictions) {
    const {imageFile} = prediction.person;
    images.set(imageFile, [...(images.get(imageFile) ?? []), prediction]);
  }
  return [...images].map(([file, people]) => {
    const known = people
      .map((person) => similarity(person, truth, set.sigmas))
      .filter((value) => value !== null);
    return {file, people, similarity: known.length > 0 ? mean(known) : 0};
  });
}

async function tile({file, people, similarity: value}: ImageOfPeople, set: KeypointSet): Promise<Tile> {
  const drawn = people.flatMap(({keypoints, person}): DrawnPerson[] => [
    {keypoints: person.keypoints, isTruth: true},
    {keypoints: keypoints.flat()},
  ]);
  const name = file.split('/').at(-1)!;
  return {image: await drawPeople(file, drawn, set), caption: `${name}  OKS ${value.toFixed(2)}`};
}

/** Sheets of validation images: the first of the split, and those whose people were found best and worst. */
export async function validationPictures(
  predictions: readonly PredictedPerson[],
  dataset: TopDownDataset,
): Promise<ReportPicture[]> {
  const set = dataset.keypointSet;
  const images = byImage(predictions, new COCO(dataset.groundTruth(), dataset.annotationFile), set);
  const ranked = [...images].sort((a, b) => b.similarity - a.similarity);
  const legend = 'Predicted in colour, left and right apart; annotated in dashed white.';
  const sheets: [title: string, images: ImageOfPeople[]][] = [
    ['Validation', images.slice(0, IMAGES)],
    ['Best', ranked.slice(0, IMAGES)],
    ['Worst', ranked.slice(-IMAGES).reverse()],
  ];
  return Promise.all(
    sheets.map(async ([title, chosen]) => ({
      title,
      caption: legend,
      jpeg: await contactSheet(await Promise.all(chosen.map((image) => tile(image, set))), LAYOUT),
    })),
  );
}
