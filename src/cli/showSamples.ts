/** @file `pose-data show`: a sheet of people as annotated, and as the network gets them, with their targets. */
import {writeFileAtomic} from '../checkpoint/files.js';
import type {Config} from '../config/schema.js';
import {openDataset} from '../data/datasets/index.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {BatchLoader} from '../data/loader/loader.js';
import {denormalised} from '../data/transforms/warp.js';
import type {Batch} from '../data/types.js';
import {contactSheet, type Tile} from '../report/contactSheet.js';
import {drawPeople} from '../report/drawings.js';
import {heatmapOverlay} from '../report/heatmapOverlay.js';
import {loaderSettings} from '../tasks/topDownParts.js';

export interface ShowOptions {
  readonly split: 'train' | 'val';
  readonly count: number;
  readonly out: string;
}

/** Heatmap cells are a quarter of the input's pixels in every network so far. */
const STRIDE = 4;

/** Writes the sheet as a JPEG file. */
export async function showSamples(config: Config, {split, count, out}: ShowOptions): Promise<void> {
  const set = loadKeypointSet(config.dataset.keypoints);
  const dataset = await openDataset(config.dataset, split, set);
  const loader = new BatchLoader({
    ...loaderSettings(config, dataset, STRIDE, split === 'train' ? 'train' : 'evaluate'),
    batchSize: Math.min(count, dataset.people.length),
    workers: 0,
  });
  const {value: batch} = await loader.batches(0).next();
  const tiles = await Promise.all(
    batch!.samples.map(async ({index}, i): Promise<Tile[]> => {
      const {imageFile, keypoints, imageId, annotationId} = dataset.people[index];
      const annotated = await drawPeople(imageFile, [{keypoints}], set);
      return [
        {image: annotated, caption: `image ${imageId}, person ${annotationId ?? '(detected)'}`},
        {image: await inputWithTargets(batch!, i, loader), caption: 'input and targets'},
      ];
    }),
  );
  await writeFileAtomic(out, await contactSheet(tiles.flat(), {columns: 6, tileWidth: 240, tileHeight: 240}));
}

function inputWithTargets(
  batch: Batch,
  i: number,
  {heatmapSize: [rows, columns]}: BatchLoader,
): Promise<Buffer> {
  const count = batch.samples.length;
  const pixels = batch.images.length / count;
  const cells = batch.targets.length / count;
  const data = denormalised(batch.images.subarray(i * pixels, (i + 1) * pixels));
  const crop = {data, width: columns * STRIDE, height: rows * STRIDE};
  const targets = batch.targets.subarray(i * cells, (i + 1) * cells);
  return heatmapOverlay(crop, targets, [rows, columns, cells / (rows * columns)]);
}
