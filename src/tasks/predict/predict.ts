/** @file Keypoints of people in images, by the geometry of training and the suppression of evaluation. */
import {setImmediate} from 'node:timers/promises';
import type {Config} from '../../config/schema.js';
import {insideImage} from '../../data/datasets/cocoPeople.js';
import {decodeImage} from '../../data/loader/decode.js';
import {invertAffine, regionToRaster} from '../../data/transforms/affine.js';
import {normalise} from '../../data/transforms/normalise.js';
import {boxToRegion} from '../../data/transforms/region.js';
import {type RgbImage, warp} from '../../data/transforms/warp.js';
import type {Batch, Box, CropRegion} from '../../data/types.js';
import {UserError} from '../../errors.js';
import {personScore} from '../../metrics/cocoResults.js';
import {suppress} from '../../metrics/nms.js';
import type {TopDownTask} from '../topDown.js';
import {decodeBatch, type PredictedPerson} from '../topDownEvaluation.js';
import type {ScoredBox} from './boxes.js';

/** An image, and whom to look for on it. */
export interface PredictInput {
  readonly file: string;
  /** COCO's id, where the image is known by one. */
  readonly imageId: number | null;
  /** null: one person, who fills the image. */
  readonly boxes: readonly ScoredBox[] | null;
  /** Annotated boxes are cut at the image's border, as in training; of detections, people found twice are dropped. */
  readonly kind: 'given' | 'annotations' | 'detections';
}

export interface PosePrediction {
  readonly box: Box;
  readonly boxScore: number;
  /** x, y in pixels of the image as it is stored, and score, of each keypoint. */
  readonly keypoints: readonly (readonly [number, number, number])[];
  /** By `eval.rescore`: the box's score times the mean score of the keypoints above `eval.keypointThreshold`. */
  readonly score: number;
}

/** What became of an image: its people, or why it cannot be used. */
export type ImagePrediction =
  | {
      readonly input: PredictInput;
      readonly width: number;
      readonly height: number;
      readonly people: readonly PosePrediction[];
    }
  | {readonly input: PredictInput; readonly failure: string};

export type PredictSettings = Config['eval'] & Pick<Config['dataset'], 'boxPadding'>;

/** A person as the network gets it. */
interface Crop {
  readonly box: Box;
  readonly boxScore: number;
  readonly region: CropRegion;
  readonly pixels: Uint8Array;
}

type Loaded =
  | {readonly input: PredictInput; readonly width: number; readonly height: number; readonly crops: Crop[]}
  | {readonly input: PredictInput; readonly failure: string};

/** Images decoded ahead of the one that is being cut: libvips works in threads. */
const AHEAD = 4;
/** Results are given at the latest after so many images. */
const MOST_IMAGES = 64;

/** The predictions in the order of `inputs`. Images are read as their turn comes: there may be any number of them. */
export async function* predictImages(
  task: TopDownTask,
  inputs: readonly PredictInput[],
  settings: PredictSettings,
): AsyncGenerator<ImagePrediction, void, undefined> {
  let chunk: Loaded[] = [];
  let people = 0;
  for await (const loaded of loadAhead(inputs, task, settings)) {
    chunk.push(loaded);
    people += 'crops' in loaded ? loaded.crops.length : 0;
    if (people < settings.batchSize && chunk.length < MOST_IMAGES) continue;
    yield* await predictChunk(chunk, task, settings);
    chunk = [];
    people = 0;
  }
  yield* await predictChunk(chunk, task, settings);
}

async function* loadAhead(
  inputs: readonly PredictInput[],
  task: TopDownTask,
  settings: PredictSettings,
): AsyncGenerator<Loaded, void, undefined> {
  const ahead: Promise<Loaded>[] = [];
  for (let next = 0; next < inputs.length || ahead.length > 0; ) {
    while (next < inputs.length && ahead.length < AHEAD) ahead.push(load(inputs[next++], task, settings));
    yield await ahead.shift()!;
  }
}

/** Rejects for bugs alone. */
async function load(input: PredictInput, task: TopDownTask, settings: PredictSettings): Promise<Loaded> {
  try {
    const image = await decodeImage(input.file);
    const boxes = input.boxes ?? [{box: [0, 0, image.width, image.height] as Box, score: 1}];
    const crops = boxes.map((person) => cropOf(person, image, input, task, settings));
    return {input, width: image.width, height: image.height, crops};
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {input, failure: error.message};
  }
}

function cropOf(
  {box: asGiven, score}: ScoredBox,
  image: RgbImage,
  {file, kind}: PredictInput,
  {config, codec}: TopDownTask,
  {boxPadding}: PredictSettings,
): Crop {
  const {width, height} = image;
  const box = kind === 'annotations' ? insideImage(asGiven, [width, height]) : asGiven;
  const [x, y, w, h] = box;
  if (x >= width || y >= height || x + w <= 0 || y + h <= 0 || Math.min(w, h) < 0 || Math.max(w, h) === 0) {
    throw new UserError(
      'data',
      `${file}: the box [${asGiven.join(', ')}] lies outside the image, which is ${width}x${height}.`,
    );
  }
  const [rows, columns] = config.input;
  const region = boxToRegion(box, columns / rows, boxPadding);
  const pixels = new Uint8Array(3 * rows * columns);
  warp(image, invertAffine(regionToRaster(region, config.input, codec.convention)), config.input, pixels);
  return {box, boxScore: score, region, pixels};
}

async function predictChunk(
  chunk: readonly Loaded[],
  task: TopDownTask,
  settings: PredictSettings,
): Promise<ImagePrediction[]> {
  const crops = chunk.flatMap((loaded) => ('crops' in loaded ? loaded.crops : []));
  const found: PredictedPerson[] = [];
  for (let at = 0; at < crops.length; at += settings.batchSize) {
    found.push(...predictCrops(crops.slice(at, at + settings.batchSize), task, settings));
    // Signals, and images being decoded, get their turn.
    await setImmediate();
  }
  let at = 0;
  return chunk.map((loaded) => {
    if (!('crops' in loaded)) return loaded;
    const {input, width, height, crops: own} = loaded;
    const people = found.slice(at, at + own.length);
    at += own.length;
    return {input, width, height, people: posesOf(people, input, task, settings)};
  });
}

function predictCrops(
  crops: readonly Crop[],
  task: TopDownTask,
  settings: PredictSettings,
): PredictedPerson[] {
  const [rows, columns] = task.config.input;
  const size = 3 * rows * columns;
  const images = new Float32Array(crops.length * size);
  crops.forEach(({pixels}, i) => {
    normalise(pixels, images, i * size);
  });
  const samples = crops.map(({region}, index) => ({index, region, flipped: false}));
  const batch: Batch = {images, samples, targets: new Float32Array(0), targetWeights: new Float32Array(0)};
  const people = crops.map(({box, boxScore}) => ({
    ...{imageId: 0, imageFile: '', annotationId: null},
    ...{box, score: boxScore, keypoints: []},
  }));
  return decodeBatch(task.predict(batch, settings), batch, people, task);
}

function posesOf(
  people: readonly PredictedPerson[],
  {kind}: PredictInput,
  {keypointSet}: TopDownTask,
  {rescore, keypointThreshold, nms, oksNms}: PredictSettings,
): PosePrediction[] {
  const scored = people.map((person) => ({
    ...person,
    score: rescore ? personScore(person, keypointThreshold) : person.boxScore,
  }));
  const suppression = {mode: nms, threshold: oksNms, sigmas: keypointSet.sigmas};
  const kept = kind === 'detections' ? suppress(scored, suppression) : scored;
  return kept.map(({person: {box}, boxScore, keypoints, score}) => ({box, boxScore, keypoints, score}));
}
