/** @file Makes a set of synthetic people in COCO's layout and format. */
import {mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../checkpoint/files.js';
import {UserError} from '../../errors.js';
import {compiledModule} from '../../packagePaths.js';
import {type KeypointSet, loadKeypointSet} from '../keypoints.js';
import {WorkerPool} from '../loader/workerPool.js';
import {unplaceable} from './annotate.js';
import {annotationFile} from './annotationFile.js';
import type {CrowdOptions} from './crowd.js';
import {makePicture, type PictureRecord, type PictureTask, type Split} from './picture.js';

export interface SyntheticOptions {
  /** The folder to write into; made if missing. */
  readonly out: string;
  /** Number of training images. */
  readonly images: number;
  /** Number of validation images: by default 15% of `images`, and at least one. */
  readonly valImages?: number;
  readonly seed: number;
  /** Number of threads beside this one; with 0, the default, this one does the work. */
  readonly workers?: number;
  /** By default a few people, well apart. */
  readonly crowd?: CrowdOptions;
  /** The keypoint set to annotate, by name or file; by default COCO's. It does not change the pictures. */
  readonly keypoints?: string;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Of the boxes of two people; beyond it, the one behind can hardly be seen. */
const GREATEST_OVERLAP = 0.9;

export interface SyntheticResult {
  /** Numbers of both splits together. */
  readonly images: number;
  readonly people: number;
  readonly annotationFiles: string[];
}

/**
 * Writes `out/images/{train,val}2017/*.jpg` and `out/annotations/person_keypoints_{train,val}2017.json`.
 * The same seed gives the same bytes, whatever the number of workers; picture i of a split depends on nothing else.
 * @throws UserError if the numbers make no sense or the folder cannot be written
 */
export async function makeSynthetic(options: SyntheticOptions): Promise<SyntheticResult> {
  const {out, images, seed, workers = 0, onProgress} = options;
  const valImages = options.valImages ?? Math.max(1, Math.round(images * 0.15));
  requireCount('images', images, 1);
  requireCount('valImages', valImages, 0);
  requireCount('seed', seed, 0);
  requireCount('workers', workers, 0);
  if (options.crowd) requireCrowd(options.crowd);
  const set = placeableSet(options.keypoints ?? 'coco17');
  const style = {seed, crowd: options.crowd ?? null, keypoints: set.names};
  const tasks = [...tasksOf(out, 'train', images, style), ...tasksOf(out, 'val', valImages, style)];
  await makeFolders([imageFolder(out, 'train'), imageFolder(out, 'val'), join(out, 'annotations')]);
  const annotationFiles = (['train', 'val'] as const).map((split) =>
    join(out, 'annotations', `person_keypoints_${split}2017.json`),
  );
  await removeFiles(annotationFiles);
  const records = await makePictures(tasks, workers, onProgress);
  await writeFileAtomic(annotationFiles[0], annotationFile(records.slice(0, images), set));
  await writeFileAtomic(annotationFiles[1], annotationFile(records.slice(images), set));
  const people = records.reduce((sum, record) => sum + record.people.length, 0);
  return {images: tasks.length, people, annotationFiles};
}

function requireCount(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new UserError('usage', `${name} is ${value}: give a whole number of at least ${least}.`);
}

function requireCrowd({people, overlap: [low, high]}: CrowdOptions): void {
  requireCount('people-per-image', people[0], 1);
  requireCount('people-per-image', people[1], people[0]);
  if (low >= 0 && high >= low && high <= GREATEST_OVERLAP) return;
  throw new UserError(
    'usage',
    `overlap is ${low} to ${high}: give two numbers from 0 to ${GREATEST_OVERLAP}, the lesser first.`,
  );
}

/** @throws UserError if the set has keypoints that the people of this world have not */
function placeableSet(name: string): KeypointSet {
  const set = loadKeypointSet(name);
  const unknown = unplaceable(set.names);
  if (unknown.length === 0) return set;
  throw new UserError(
    'usage',
    `keypoints is ${name}: the drawn people have no ${unknown.slice(0, 3).join(', ')}${unknown.length > 3 ? ' …' : ''}. ` +
      'Take coco17, mpii16, lsp14 or crowdpose14, or a set with their names.',
  );
}

const imageFolder = (out: string, split: Split): string => join(out, 'images', `${split}2017`);

function tasksOf(
  out: string,
  split: Split,
  count: number,
  style: Pick<PictureTask, 'seed' | 'crowd' | 'keypoints'>,
): PictureTask[] {
  const folder = imageFolder(out, split);
  return Array.from({length: count}, (_, index) => ({folder, split, index, ...style}));
}

async function makeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await mkdir(folder, {recursive: true}).catch((cause: Error) => {
      throw new UserError('storage', `${folder} cannot be made (${cause.message}). Choose another folder.`, {
        cause,
      });
    });
  }
}

/** A run that is cut short must not leave new pictures beside the annotations of older ones. */
async function removeFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    await rm(file, {force: true}).catch((cause: Error) => {
      throw new UserError(
        'storage',
        `${file} cannot be replaced (${cause.message}). Choose another folder.`,
        {
          cause,
        },
      );
    });
  }
}

/** The records in the order of their tasks. */
async function makePictures(
  tasks: readonly PictureTask[],
  workers: number,
  onProgress: SyntheticOptions['onProgress'],
): Promise<PictureRecord[]> {
  let done = 0;
  const counted = async (making: Promise<PictureRecord>): Promise<PictureRecord> => {
    const record = await making;
    onProgress?.(++done, tasks.length);
    return record;
  };
  if (workers === 0) {
    const records: PictureRecord[] = [];
    for (const task of tasks) records.push(await counted(makePicture(task)));
    return records;
  }
  const module = compiledModule('data/synthetic/worker');
  const pool = new WorkerPool<PictureTask, PictureRecord>(module, workers, null);
  try {
    return await Promise.all(tasks.map((task) => counted(pool.run(task))));
  } catch (error) {
    throw error instanceof UserError && error.kind === 'worker' ? threadsDied(error) : error;
  } finally {
    await pool.close();
  }
}

/** The pool's own message speaks of batches. */
function threadsDied(cause: UserError): UserError {
  const hint = 'If memory is short, use fewer workers; with 0 the pictures are made without threads.';
  return new UserError('worker', `The threads that make the pictures kept dying. ${hint}`, {cause});
}
