/** @file `pose-data show`: a sheet of people as annotated, and as the network gets them, with their targets. */
import {writeFileAtomic} from '../checkpoint/files.js';
import type {Config} from '../config/schema.js';
import {openDataset} from '../data/datasets/index.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import {type KeypointSet, loadKeypointSet} from '../data/keypoints.js';
import {decodeImage} from '../data/loader/decode.js';
import {BatchLoader} from '../data/loader/loader.js';
import type {Batch, Person} from '../data/types.js';
import {UserError} from '../errors.js';
import {strideOf} from '../models/stride.js';
import {stream} from '../random.js';
import {closeUp} from '../report/closeUp.js';
import {contactSheet, type Tile} from '../report/contactSheet.js';
import {drawPeople} from '../report/drawings.js';
import {inputAndTargets} from '../report/sampleTiles.js';
import {loaderSettings} from '../tasks/topDownParts.js';
import {commandLine} from './command.js';
import {configOf, textOption, withConfigOptions} from './configOptions.js';

/** Of a sheet, in pixels; people are drawn larger than that and reduced. */
const TILE = {tileWidth: 240, tileHeight: 300};
const DRAWN = 480;
/** About a person as annotated, of the box's longer side. */
const MARGIN = 0.3;
const MOST_COLUMNS = 9;

const showCommand = () =>
  withConfigOptions(commandLine('pose-data show', 'pose-data show --cfg FILE [key=value ...]'))
    .demandOption('cfg')
    .option('split', {
      choices: ['train', 'val'] as const,
      default: 'train' as const,
      describe: 'which people; those of train are augmented',
    })
    .option('count', {type: 'number', default: 12, describe: 'how many people'})
    .option('augmentations', {
      type: 'number',
      default: 1,
      describe: 'of each person: those of so many epochs',
    })
    .option('start', {
      type: 'number',
      describe: 'the first person, from 0; by default people drawn by the seed',
    })
    .option('out', {...textOption('the sheet, a JPEG file'), default: 'samples.jpg'})
    .example('pose-data show --cfg experiments/coco/hrnet_w32.yaml --out samples.jpg', '')
    .example('pose-data show --cfg experiments/coco/hrnet_w32.yaml --count 4 --augmentations 4', '');

export async function show(): Promise<void> {
  const parsed = await showCommand().parseAsync();
  const {count, augmentations, start, out} = parsed;
  requireCount('count', count, 1);
  requireCount('augmentations', augmentations, 1);
  if (start !== undefined) requireCount('start', start, 0);
  const {config} = configOf(parsed.cfg, {...parsed, _: parsed._.slice(1)});
  await showSamples(config, parsed);
  process.stdout.write(`${out}\n`);
}

function requireCount(option: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new UserError('usage', `--${option} is ${value}: give a whole number of at least ${least}.`);
}

interface ShowOptions {
  readonly split: 'train' | 'val';
  readonly count: number;
  readonly augmentations: number;
  readonly start?: number;
  readonly out: string;
}

/** Writes the sheet as a JPEG file. */
async function showSamples(config: Config, options: ShowOptions): Promise<void> {
  const set = loadKeypointSet(config.dataset.keypoints);
  const dataset = await openDataset(config.dataset, options.split, set);
  const people = chosen(dataset.people, options, config.seed);
  const loader = new BatchLoader({
    ...loaderSettings(
      config,
      dataset,
      strideOf(config.model.backbone),
      options.split === 'train' ? 'train' : 'evaluate',
    ),
    dataset: {people, keypointSet: set},
    batchSize: people.length,
    shuffle: false,
    workers: 0,
  });
  const batches: Batch[] = [];
  for (let epoch = 0; epoch < options.augmentations; epoch++) {
    batches.push((await loader.batches(epoch).next()).value!);
  }
  const rows = await Promise.all(
    people.map((person, i) => rowOf(person, i, batches, set, loader, config.model.input)),
  );
  const each = 1 + 2 * options.augmentations;
  const columns = each * Math.max(1, Math.floor(MOST_COLUMNS / each));
  await writeFileAtomic(options.out, await contactSheet(rows.flat(), {columns, ...TILE}));
}

function chosen(
  people: TopDownDataset['people'],
  {count, start}: ShowOptions,
  seed: number,
): readonly Person[] {
  if (start === undefined) {
    const order = stream(seed, 'show').permutation(people.length);
    return [...order.slice(0, count)].map((index) => people[index]);
  }
  if (start < people.length) return people.slice(start, start + count);
  throw new UserError('usage', `--start is ${start}: there are ${people.length} people, the first is 0.`);
}

/** One person: as annotated, then the input and the targets of each augmentation. */
async function rowOf(
  person: Person,
  i: number,
  batches: readonly Batch[],
  set: KeypointSet,
  loader: BatchLoader,
  input: Config['model']['input'],
): Promise<Tile[]> {
  const views = batches.map((batch) => inputAndTargets(person, batch, i, set, loader.codec, input));
  return [await annotated(person, set), ...(await Promise.all(views)).flat()];
}

async function annotated({imageFile, box, keypoints, imageId, annotationId}: Person, set: KeypointSet) {
  const {image, place} = await closeUp(await decodeImage(imageFile), box, MARGIN, DRAWN);
  const drawn = {keypoints: place(keypoints), marksHidden: true};
  const who = annotationId === null ? 'detected' : `person ${annotationId}`;
  return {image: await drawPeople(image, [drawn], set), caption: `image ${imageId}, ${who}`};
}
