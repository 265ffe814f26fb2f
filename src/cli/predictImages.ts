/** @file `pose-predict`: from a configuration and paths to predictions.json, COCO's results and drawings. */
import {mkdir} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {storageError, writeFileAtomic} from '../checkpoint/files.js';
import type {Config} from '../config/schema.js';
import {loadKeypointSet} from '../data/keypoints.js';
import type {Box} from '../data/types.js';
import {selectBackend} from '../engine/index.js';
import {EXIT_CODES, UserError} from '../errors.js';
import {RunConsole} from '../report/console.js';
import {drawPeople} from '../report/drawings.js';
import {formatCount} from '../report/format.js';
import {type BoxFile, readBoxes} from '../tasks/predict/boxes.js';
import {cocoResults, type PredictionDocument, predictionDocument} from '../tasks/predict/document.js';
import {listImages} from '../tasks/predict/inputs.js';
import {type ImagePrediction, type PredictInput, predictImages} from '../tasks/predict/predict.js';
import type {TopDownTask} from '../tasks/topDown.js';
import {buildTopDown, loadCheckpointWeights} from '../tasks/topDownParts.js';
import {bestCheckpoint} from './bestCheckpoint.js';

export interface PredictOptions {
  readonly checkpoint?: string;
  /** A COCO file of boxes, */
  readonly boxFile?: string;
  /** or the same boxes on every image; without either each image is one box. */
  readonly boxes?: readonly Box[];
  /** By default `predictions/` in the run's folder; with `json`, nothing is written unless it is given. */
  readonly out?: string;
  readonly json: boolean;
}

/** As many flaws of the file of boxes are named. */
const NAMED_FLAWS = 3;

/** @returns the exit code: 3 if an image could not be used; the others are there all the same */
export async function predictCommand(
  config: Config,
  paths: readonly string[],
  options: PredictOptions,
): Promise<number> {
  const console = new RunConsole({stream: process.stderr});
  const images = await listImages(paths);
  const {category, detectionScoreThreshold: scoreThreshold} = config.dataset;
  const boxFile =
    options.boxFile === undefined ? null : await readBoxes(options.boxFile, {category, scoreThreshold});
  const inputs = inputsOf(images, boxFile, options, console);
  const checkpoint = options.checkpoint ?? (await bestCheckpoint(config));
  const task = await openModel(config, checkpoint);
  const out = options.out ?? (options.json ? null : join(config.output, config.name, 'predictions'));
  if (out !== null) await makeFolder(out);
  const predictions = await predictAll(task, inputs, config, out, console);
  const document = predictionDocument(predictions, task.keypointSet, {model: config.model.name, checkpoint});
  if (out !== null) await writeDocument(out, document, boxFile);
  process.stdout.write(options.json ? `${JSON.stringify(document)}\n` : `${summary(document)} -> ${out}\n`);
  return exitCodeOf(document);
}

/** @throws UserError 'data' if the file of boxes knows none of the images */
function inputsOf(
  images: readonly string[],
  boxFile: BoxFile | null,
  {boxFile: name, boxes}: PredictOptions,
  console: RunConsole,
): PredictInput[] {
  if (boxFile === null) {
    const given = boxes?.map((box) => ({box, score: 1})) ?? null;
    return images.map((file) => ({file, imageId: null, boxes: given, kind: 'given'}));
  }
  const known = images.map((file) => ({file, found: boxFile.boxesOf(file)}));
  const unknown = known.filter(({found}) => found === null);
  if (unknown.length === images.length) {
    const by = boxFile.kind === 'detections' ? 'the last number in their names as image_id' : 'their names';
    throw new UserError('data', `${name}: has boxes for none of the images, which are looked for by ${by}.`);
  }
  for (const [what, list] of [
    ['images have no boxes and are left without people', unknown.map(({file}) => file)],
    ['records are no usable boxes and were passed over', boxFile.flaws],
  ] as const) {
    if (list.length > 0)
      console.warn(`${name}: ${formatCount(list.length)} ${what}: ${list.slice(0, NAMED_FLAWS).join('; ')}`);
  }
  return known.map(({file, found}) => ({
    file,
    imageId: found?.imageId ?? null,
    boxes: found?.boxes ?? [],
    kind: boxFile.kind,
  }));
}

async function openModel(config: Config, checkpoint: string): Promise<TopDownTask> {
  const keypointSet = loadKeypointSet(config.dataset.keypoints);
  await selectBackend(config);
  // The checkpoint fills the whole model; what the run started from is not asked for.
  const {task} = await buildTopDown({...config, model: {...config.model, weights: null}}, keypointSet);
  await loadCheckpointWeights(task, checkpoint);
  task.model.freeze();
  return task;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, {recursive: true}).catch((error: unknown) => Promise.reject(storageError(error, path)));
}

/** Predicts image by image; each drawing is on the disk before the next image. */
async function predictAll(
  task: TopDownTask,
  inputs: readonly PredictInput[],
  {eval: evaluation, dataset: {boxPadding}}: Config,
  out: string | null,
  console: RunConsole,
): Promise<ImagePrediction[]> {
  const predictions: ImagePrediction[] = [];
  const names = new DrawingNames();
  for await (const prediction of predictImages(task, inputs, {...evaluation, boxPadding})) {
    predictions.push(prediction);
    if (console.isLive) console.progress(() => `${predictions.length}/${inputs.length} images`);
    if ('failure' in prediction) console.warn(prediction.failure);
    else if (out !== null) {
      const {file} = prediction.input;
      const people = prediction.people.map(({keypoints}) => ({keypoints: keypoints.flat()}));
      const drawing = await drawPeople(file, people, task.keypointSet, evaluation.keypointThreshold);
      await writeFileAtomic(join(out, names.of(file)), drawing);
    }
  }
  console.endProgress();
  return predictions;
}

/** `photo.jpg` for `photo.png`, then `photo-2.jpg`: images of several folders may have one name. */
class DrawingNames {
  readonly #taken = new Set<string>();

  of(file: string): string {
    const stem = basename(file, extname(file));
    let name = `${stem}.jpg`;
    for (let i = 2; this.#taken.has(name); i++) name = `${stem}-${i}.jpg`;
    this.#taken.add(name);
    return name;
  }
}

async function writeDocument(
  out: string,
  document: PredictionDocument,
  boxFile: BoxFile | null,
): Promise<void> {
  await writeFileAtomic(join(out, 'predictions.json'), `${JSON.stringify(document)}\n`);
  if (boxFile === null) return;
  const results = cocoResults(document, boxFile.categoryId);
  await writeFileAtomic(join(out, 'keypoints_results.json'), JSON.stringify(results));
}

function summary({images, failed}: PredictionDocument): string {
  const people = images.reduce((sum, image) => sum + image.people.length, 0);
  const lost = failed.length > 0 ? `, ${formatCount(failed.length)} left out` : '';
  return `${formatCount(people)} people on ${formatCount(images.length)} images${lost}`;
}

function exitCodeOf({images, failed}: PredictionDocument): number {
  if (failed.length === 0) return EXIT_CODES.done;
  const all = images.length + failed.length;
  const names = failed.map(({image}) => `\n  ${image}`).join('');
  process.stderr.write(`error: ${failed.length} of ${all} images could not be used:${names}\n`);
  return EXIT_CODES.data;
}
