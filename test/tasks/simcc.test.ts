/** @file A task whose network classifies coordinates: its two outputs, the flip test, and that it learns what it is shown. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {targetArrays} from '../../src/codecs/codec.js';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import type {Batch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {buildModel} from '../../src/models/registry.js';
import {stepDraws, stream} from '../../src/random.js';
import {TopDownTask} from '../../src/tasks/topDown.js';
import {modelConfig, TINY_CSPNEXT, TINY_RTMCC_HEAD} from '../models/configs.js';
import {adamOf} from '../train/steps.js';

const SET = loadKeypointSet('coco17');
const KEYPOINTS = SET.names.length;
const [HEIGHT, WIDTH] = [96, 64];
const SIZE = 4;
const BINS = {x: 2 * WIDTH, y: 2 * HEIGHT};

function makeTask(): TopDownTask {
  const config = modelConfig(TINY_CSPNEXT, [HEIGHT, WIDTH], {...TINY_RTMCC_HEAD, hiddenChannels: 32});
  return new TopDownTask(buildModel(config, KEYPOINTS, 0), SET, config);
}

/** Images of noise, and people whose keypoints are anywhere. */
function makeBatch({codec}: TopDownTask): {batch: Batch; points: Float64Array[]} {
  const random = stream(0, 'test/simcc');
  const points = Array.from({length: SIZE}, () =>
    Float64Array.from({length: 3 * KEYPOINTS}, (_, i) =>
      i % 3 === 2 ? 1 : Math.round(random.uniform(8, (i % 3 === 0 ? WIDTH : HEIGHT) - 8)),
    ),
  );
  const targets = new Float32Array(SIZE * KEYPOINTS * (BINS.x + BINS.y));
  const targetWeights = new Float32Array(SIZE * KEYPOINTS);
  const arrays = targetArrays(codec, targets, SIZE);
  points.forEach((own, slot) => {
    codec.encode(own, arrays, targetWeights, slot);
  });
  const images = Float32Array.from({length: SIZE * HEIGHT * WIDTH * 3}, () => random.normal());
  const region = {center: [32, 48], size: [WIDTH, HEIGHT], rotation: 0} as const;
  const samples = points.map((_, index) => ({index, region, flipped: false}));
  return {batch: {images, targets, targetWeights, samples}, points};
}

function mirrored(images: Float32Array): Float32Array {
  return tf.tidy(() =>
    tf
      .reverse(tf.tensor4d(images, [SIZE, HEIGHT, WIDTH, 3]), 2)
      .dataSync<'float32'>()
      .slice(),
  );
}

beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});

describe('a task with a network that classifies coordinates', () => {
  it('brings a target for each axis to the device', () => {
    const task = makeTask();
    const {batch} = makeBatch(task);
    const {targets, weights} = task.upload(batch);
    expect(targets.map(({shape}) => shape)).toEqual([
      [SIZE, KEYPOINTS, BINS.x],
      [SIZE, KEYPOINTS, BINS.y],
    ]);
    expect([...targets[1].dataSync()]).toEqual([...batch.targets.subarray(SIZE * KEYPOINTS * BINS.x)]);
    expect(weights.shape).toEqual([SIZE, KEYPOINTS]);
  });

  it('averages with the mirrored image: x turned round, y as it is, left for right', () => {
    const task = makeTask();
    const {batch} = makeBatch(task);
    const plain = {flipTest: false, shiftHeatmap: null};
    const own = task.predict(batch, plain);
    const other = task.predict({...batch, images: mirrored(batch.images)}, plain);
    const both = task.predict(batch, {flipTest: true, shiftHeatmap: null});
    const swapped = Array.from({length: KEYPOINTS}, (_, k) => k);
    for (const [left, right] of SET.flipPairs) [swapped[left], swapped[right]] = [right, left];
    for (const [sample, k, bin] of [
      [0, 0, 5],
      [1, 7, 0],
      [3, 16, 100],
    ]) {
      const row = (keypoint: number) => sample * KEYPOINTS + keypoint;
      const x = own[0][row(k) * BINS.x + bin] + other[0][(row(swapped[k]) + 1) * BINS.x - 1 - bin];
      expect(both[0][row(k) * BINS.x + bin]).toBeCloseTo(x / 2, 6);
      const y = own[1][row(k) * BINS.y + bin] + other[1][row(swapped[k]) * BINS.y + bin];
      expect(both[1][row(k) * BINS.y + bin]).toBeCloseTo(y / 2, 6);
    }
  });

  it('learns where the keypoints of a few images are, to a pixel', () => {
    const task = makeTask();
    const {batch, points} = makeBatch(task);
    const inputs = task.upload(batch);
    const adam = adamOf(task.model);
    for (let step = 0; step < 150; step++) {
      const {value, gradients} = task.gradients(inputs, task.model.parameters(), stepDraws(0, step, 0));
      adam.step(gradients, 4e-3);
      tf.dispose([value, gradients]);
    }
    // Batch statistics, as in these steps: running ones have not seen the last weights yet.
    const outputs = task.model.train().forward(inputs.images);
    const {coordinates} = task.decode(
      outputs.map((output) => output.dataSync<'float32'>()),
      SIZE,
    );
    const errors = points.flatMap((own, sample) =>
      Array.from({length: KEYPOINTS}, (_, k) => {
        const at = 2 * (sample * KEYPOINTS + k);
        return Math.hypot(coordinates[at] - own[3 * k], coordinates[at + 1] - own[3 * k + 1]);
      }),
    );
    const near = errors.filter((error) => error <= 1).length;
    expect(near / errors.length).toBeGreaterThan(0.95);
  }, 120_000);
});
