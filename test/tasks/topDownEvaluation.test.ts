/** @file Validation from loader to figures: predictions equal to the targets score 1, misplaced ones do not. */
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {codecSpec, createCodec} from '../../src/codecs/create.js';
import {openDataset} from '../../src/data/datasets/index.js';
import type {TopDownDataset} from '../../src/data/datasets/topDown.js';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import {BatchLoader} from '../../src/data/loader/loader.js';
import type {Batch} from '../../src/data/types.js';
import type {TopDownTask} from '../../src/tasks/topDown.js';
import {type PredictedPerson, predictPeople, scorePredictions} from '../../src/tasks/topDownEvaluation.js';
import {loaderSettings} from '../../src/tasks/topDownParts.js';
import {TinyRun} from '../cli/tinyRun.js';
import {CONFIG} from '../train/config.js';

const SET = loadKeypointSet('coco17');
const INPUT: [number, number] = [256, 256];
const STRIDE = 4;

let folder: TinyRun;
let dataset: TopDownDataset;
let config: typeof CONFIG;
beforeAll(async () => {
  folder = await TinyRun.create();
  config = {
    ...CONFIG,
    model: {...CONFIG.model, input: INPUT},
    dataset: {...CONFIG.dataset, root: folder.at('data')},
    eval: {...CONFIG.eval, batchSize: 4},
    loader: {...CONFIG.loader, workers: 0},
  };
  dataset = await openDataset(config.dataset, 'val', SET);
});
afterAll(() => folder.remove());

/** Predictions of a network that gives what `heatmaps` makes of a batch. */
async function predict(
  heatmaps: (batch: Batch) => Float32Array,
  onProgress?: (done: number, total: number) => void,
): Promise<PredictedPerson[]> {
  const codec = createCodec(codecSpec(config.model, STRIDE, SET.names.length));
  const task = {
    keypointSet: SET,
    config: config.model,
    codec,
    predict: (batch: Batch) => [heatmaps(batch)],
    decode: (maps: Float32Array[], samples: number) => codec.decode(maps, samples),
  } as unknown as TopDownTask;
  const loader = new BatchLoader(loaderSettings(config, dataset, STRIDE, 'evaluate'));
  try {
    return await predictPeople(task, loader, dataset.people, config.eval, onProgress);
  } finally {
    await loader.close();
  }
}

describe('a network that gives the targets themselves', () => {
  it('scores an AP of 1', async () => {
    const {stats, results, note} = await scorePredictions(
      await predict(({targets}) => targets),
      dataset,
      config.eval,
    );
    expect(stats).toMatchObject({AP: 1, AR: 1, AP_large: 1, AP_medium: -1});
    expect(note).toMatch(/medium/);
    expect(results.map(({image_id}) => image_id)).toEqual(dataset.imageIds);
  });

  it('finds each keypoint within half a cell, in pixels of the image', async () => {
    for (const {person, keypoints} of await predict(({targets}) => targets)) {
      // The padded box is 62.5 pixels high, and a heatmap 64 cells.
      keypoints.forEach(([x, y, score], k) => {
        expect(Math.abs(x - person.keypoints[3 * k])).toBeLessThan(0.75);
        expect(Math.abs(y - person.keypoints[3 * k + 1])).toBeLessThan(0.75);
        expect(score).toBe(1);
      });
    }
  });

  it('tells how far it is', async () => {
    const progress: [number, number][] = [];
    await predict(
      ({targets}) => targets,
      (done, total) => progress.push([done, total]),
    );
    expect(progress).toEqual([
      [4, 6],
      [6, 6],
    ]);
  });
});

describe('a network that gives something else', () => {
  it('scores 0 for keypoints in a corner', async () => {
    const corner = ({targets, samples}: Batch) => {
      const heatmaps = new Float32Array(targets.length);
      const perSample = targets.length / samples.length;
      samples.forEach((_, i) => {
        heatmaps.fill(1, i * perSample, i * perSample + SET.names.length);
      });
      return heatmaps;
    };
    // COCO's area of these people is so large that near is near enough; here it is the true one.
    folder.writePeople('small.json', ({annotations}) => {
      for (const annotation of annotations) annotation.area = 1500;
    });
    const split = {...config.dataset.val, annotations: 'small.json'};
    const small = await openDataset({...config.dataset, val: split}, 'val', SET);
    const {stats} = await scorePredictions(await predict(corner), small, config.eval);
    expect(stats.AP).toBe(0);
  });

  it('scores 0 for empty heatmaps', async () => {
    const {stats, results} = await scorePredictions(
      await predict(({targets}) => new Float32Array(targets.length)),
      dataset,
      config.eval,
    );
    expect(results.every(({score}) => score === 0)).toBe(true);
    expect(stats.AP).toBe(0);
  });
});
