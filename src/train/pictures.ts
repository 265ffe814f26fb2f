/** @file Pictures of a run: the first samples as the network gets them, and validation people as it found them. */
import {COCO} from '../cocoapi/coco.js';
import {oks} from '../cocoapi/similarity.js';
import type {Config} from '../config/schema.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {KeypointSet} from '../data/keypoints.js';
import {decodeImage} from '../data/loader/decode.js';
import {BatchLoader} from '../data/loader/loader.js';
import {invertAffine, regionToRaster} from '../data/transforms/affine.js';
import {warp} from '../data/transforms/warp.js';
import {groupBy} from '../grouping.js';
import {closeUp} from '../report/closeUp.js';
import {contactSheet, type Tile} from '../report/contactSheet.js';
import {type DrawnPerson, drawPeople} from '../report/drawings.js';
import {heatmapOverlay} from '../report/heatmapOverlay.js';
import type {ReportPicture} from '../report/htmlReport.js';
import {inputAndTargets} from '../report/sampleTiles.js';
import type {CaseOutput} from '../tasks/extremeCases.js';
import type {TopDownTask} from '../tasks/topDown.js';
import type {PredictedPerson} from '../tasks/topDownEvaluation.js';
import {loaderSettings} from '../tasks/topDownParts.js';

const IMAGES = 12;
const IMAGE_LAYOUT = {columns: 4, tileWidth: 300, tileHeight: 240};
const CASES = {best: 6, worst: 12};
/** A person's close-up and heatmaps side by side, three people in a row. */
const CASE_LAYOUT = {columns: 6, tileWidth: 200, tileHeight: 250};
const TRAINED = 12;
/** About a person, of the box's longer side. */
const MARGIN = 0.15;
/** The longer side of a person's picture in pixels: more than a tile's, so that it stays sharp. */
const DRAWN = 480;

const LEGEND = 'Predicted in colour, left green and right orange; annotated in dashed white.';

type Pictured = Pick<TopDownTask, 'keypointSet' | 'config' | 'codec'>;

/** A person who was annotated, and how well the prediction fits. */
interface Case {
  readonly prediction: PredictedPerson;
  readonly similarity: number;
  readonly output: CaseOutput;
}

/** The sheets of a validation are asked for several times; they are drawn once. */
const drawn = new WeakMap<readonly PredictedPerson[], Promise<ReportPicture[]>>();

/**
 * Sheets of a validation: its first images, and the people found best and worst, each with the heatmaps.
 * @throws UserError 'data' if an image cannot be read any more
 */
export function validationPictures(
  predictions: readonly PredictedPerson[],
  dataset: TopDownDataset,
  task: Pictured,
): Promise<ReportPicture[]> {
  const known = drawn.get(predictions);
  if (known) return known;
  const sheets = drawSheets(predictions, dataset, task);
  drawn.set(predictions, sheets);
  return sheets;
}

async function drawSheets(
  predictions: readonly PredictedPerson[],
  dataset: TopDownDataset,
  task: Pictured,
): Promise<ReportPicture[]> {
  const set = dataset.keypointSet;
  const ranked = rankedCases(predictions, dataset).sort((a, b) => b.similarity - a.similarity);
  const images = [...groupBy(predictions, ({person}) => person.imageFile)].slice(0, IMAGES);
  const overview = await Promise.all(images.map(([file, people]) => imageTile(file, people, set)));
  const sheets: ReportPicture[] = [
    {
      name: 'validation',
      title: 'Validation',
      caption: LEGEND,
      jpeg: await contactSheet(overview, IMAGE_LAYOUT),
    },
  ];
  for (const [name, title, cases] of [
    ['best', 'Best', ranked.slice(0, CASES.best)],
    ['worst', 'Worst', ranked.slice(-CASES.worst).reverse()],
  ] as const) {
    if (cases.length === 0) continue;
    const tiles = await Promise.all(cases.map((one) => caseTiles(one, set, task)));
    const caption = `${LEGEND} Beside it what the network gave: each keypoint in a colour of its own.`;
    sheets.push({name, title, caption, jpeg: await contactSheet(tiles.flat(), CASE_LAYOUT)});
  }
  return sheets;
}

function rankedCases(predictions: readonly PredictedPerson[], dataset: TopDownDataset): Case[] {
  const truth = new COCO(dataset.groundTruth(), dataset.annotationFile);
  return predictions.flatMap((prediction): Case[] => {
    const {output, person, keypoints} = prediction;
    const annotation = person.annotationId === null ? undefined : truth.anns.get(person.annotationId);
    if (!output || !annotation) return [];
    const found = {...annotation, keypoints: keypoints.flat()};
    return [{prediction, output, similarity: oks(found, annotation, dataset.keypointSet.sigmas)}];
  });
}

/** A prediction over the annotation. */
function skeletons({keypoints, person}: PredictedPerson): DrawnPerson[] {
  return [{keypoints: person.keypoints, isTruth: true}, {keypoints: keypoints.flat()}];
}

async function imageTile(file: string, people: readonly PredictedPerson[], set: KeypointSet): Promise<Tile> {
  return {image: await drawPeople(file, people.flatMap(skeletons), set), caption: nameOf(file)};
}

const nameOf = (file: string): string => file.split('/').at(-1)!;

async function caseTiles(
  {prediction, similarity, output}: Case,
  set: KeypointSet,
  {config: {input}, codec}: Pictured,
): Promise<Tile[]> {
  const {imageFile, box, annotationId} = prediction.person;
  const picture = await decodeImage(imageFile);
  const {image, place} = await closeUp(picture, box, MARGIN, DRAWN);
  const people = skeletons(prediction).map((person) => ({...person, keypoints: place(person.keypoints)}));
  const [height, width] = input;
  const crop = {data: new Uint8Array(3 * height * width), width, height};
  warp(picture, invertAffine(regionToRaster(output.region, input, codec.convention)), input, crop.data);
  return [
    {
      image: await drawPeople(image, people, set),
      caption: `OKS ${similarity.toFixed(2)}  ${nameOf(imageFile)}`,
    },
    {image: await heatmapOverlay(crop, output.heatmaps, output.shape), caption: `person ${annotationId}`},
  ];
}

/** The first samples of an epoch, augmented, each with its targets. */
export async function trainingPicture(
  config: Config,
  dataset: TopDownDataset,
  task: TopDownTask,
  epoch: number,
): Promise<Buffer> {
  const loader = new BatchLoader({
    ...loaderSettings(config, dataset, task.model.stride, 'train'),
    batchSize: Math.min(TRAINED, config.train.batchSize),
    workers: 0,
  });
  const {value: batch} = await loader.batches(epoch).next();
  const {keypointSet: set, codec} = task;
  const tiles = batch!.samples.map(({index}, i) =>
    inputAndTargets(dataset.people[index], batch!, i, set, codec, config.model.input),
  );
  return contactSheet((await Promise.all(tiles)).flat(), CASE_LAYOUT);
}
