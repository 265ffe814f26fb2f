/** @file The pictures of a run: who is shown as best and worst, with which heatmaps, and what the network is given. */
import sharp from 'sharp';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {codecSpec, createCodec} from '../../src/codecs/create.js';
import {openDataset} from '../../src/data/datasets/index.js';
import type {TopDownDataset} from '../../src/data/datasets/topDown.js';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import {BatchLoader} from '../../src/data/loader/loader.js';
import type {Batch} from '../../src/data/types.js';
import type {TopDownTask} from '../../src/tasks/topDown.js';
import {type PredictedPerson, predictPeople} from '../../src/tasks/topDownEvaluation.js';
import {loaderSettings} from '../../src/tasks/topDownParts.js';
import {trainingPicture, validationPictures} from '../../src/train/pictures.js';
import {TinyRun} from '../cli/tinyRun.js';
import {CONFIG} from './config.js';

const SET = loadKeypointSet('coco17');
const STRIDE = 4;
const CELLS = 32 * 32;

let folder: TinyRun;
let dataset: TopDownDataset;
let config: typeof CONFIG;
let task: TopDownTask;
beforeAll(async () => {
  folder = await TinyRun.create();
  config = {
    ...CONFIG,
    model: {...CONFIG.model, input: [128, 128]},
    dataset: {...CONFIG.dataset, root: folder.at('data')},
    eval: {...CONFIG.eval, batchSize: 4},
    loader: {...CONFIG.loader, workers: 0},
  };
  dataset = await openDataset(config.dataset, 'val', SET);
  const codec = createCodec(codecSpec(config.model, STRIDE, SET.names.length));
  task = {
    ...{keypointSet: SET, config: config.model, codec, model: {stride: STRIDE}},
    predict: (batch: Batch) => [heatmaps(batch)],
    decode: (maps: Float32Array[], samples: number) => codec.decode(maps, samples),
  } as unknown as TopDownTask;
});
afterAll(() => folder.remove());

/** Right for everybody but the third: for him all keypoints lie in the corner. */
function heatmaps({targets, samples}: Batch): Float32Array {
  const result = targets.slice();
  const each = result.length / samples.length;
  samples.forEach(({index}, i) => {
    if (index === 2) result.fill(0, i * each, (i + 1) * each).fill(1, i * each, i * each + SET.names.length);
  });
  return result;
}

async function predict(): Promise<PredictedPerson[]> {
  const loader = new BatchLoader(loaderSettings(config, dataset, STRIDE, 'evaluate'));
  return predictPeople(task, loader, dataset.people, config.eval);
}

const sizeOf = async (jpeg: Buffer) => {
  const {width, height} = await sharp(jpeg).metadata();
  return [width, height];
};

describe('a validation', () => {
  it('keeps what the network gave for those found best and worst', async () => {
    const predictions = await predict();
    const [first, , third] = predictions;
    expect(third.output?.shape).toEqual([32, 32, 17]);
    expect(third.output?.heatmaps.slice(0, 17)).toEqual(new Float32Array(17).fill(1));
    expect(Math.max(...third.output!.heatmaps.slice(17))).toBe(0);
    expect(Math.max(...first.output!.heatmaps)).toBeGreaterThan(0.8);
    expect(first.output?.heatmaps).toHaveLength(17 * CELLS);
  });

  it('is drawn once, as its images, its best people, and its worst', async () => {
    const predictions = await predict();
    const sheets = await validationPictures(predictions, dataset, task);
    expect(sheets.map(({name}) => name)).toEqual(['validation', 'best', 'worst']);
    // Tiles with gaps of 8 and captions of 24 pixels: 4 columns of 300x240, then 6 of 200x250.
    expect(await Promise.all(sheets.map(({jpeg}) => sizeOf(jpeg)))).toEqual([
      [8 + 4 * 308, 8 + 2 * 272],
      [8 + 6 * 208, 8 + 2 * 282],
      [8 + 6 * 208, 8 + 2 * 282],
    ]);
    expect(await validationPictures(predictions, dataset, task)).toBe(sheets);
  });

  it('shows first whom it found worst', async () => {
    const [, best, worst] = await validationPictures(await predict(), dataset, task);
    // The heatmaps of the third person are one bright spot in the corner of the second tile; elsewhere it is dark.
    const corner = async (jpeg: Buffer) => {
      const region = {left: 8 + 208 + 2, top: 8 + 25 + 2, width: 4, height: 4};
      const {channels} = await sharp(await sharp(jpeg).extract(region).png().toBuffer()).stats();
      return Math.max(...channels.map(({mean}) => mean));
    };
    expect(await corner(worst.jpeg)).toBeGreaterThan(150);
    expect(await corner(best.jpeg)).toBeLessThan(100);
  });

  it('without annotated boxes shows its images alone', async () => {
    const detected = (await predict()).map(({output: _, ...prediction}) => ({
      ...prediction,
      person: {...prediction.person, annotationId: null},
    }));
    const sheets = await validationPictures(detected, dataset, task);
    expect(sheets.map(({name}) => name)).toEqual(['validation']);
  });
});

describe('the first samples', () => {
  it('are those of the epoch, with their targets', async () => {
    const train = await openDataset(config.dataset, 'train', SET);
    const jpeg = await trainingPicture({...config, train: {...config.train, batchSize: 2}}, train, task, 0);
    // Two people with two tiles each.
    expect(await sizeOf(jpeg)).toEqual([8 + 4 * 208, 8 + 282]);
    const other = await trainingPicture({...config, train: {...config.train, batchSize: 2}}, train, task, 1);
    expect(other.equals(jpeg)).toBe(false);
  });
});
