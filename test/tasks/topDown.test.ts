/** @file A top-down task's two steps: gradients of a batch, and prediction with its flip test. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import type {Batch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {buildModel} from '../../src/models/registry.js';
import {stepDraws, stream} from '../../src/random.js';
import {TopDownTask} from '../../src/tasks/topDown.js';
import type {Optimizer} from '../../src/train/optimizers.js';
import {HEATMAP_HEAD, modelConfig, TINY_HRNET} from '../models/configs.js';
import {adamOf} from '../train/steps.js';

const SET = loadKeypointSet('coco17');
const KEYPOINTS = SET.names.length;
const SIZE = 2;
const INPUT: [number, number] = [64, 32];
const CELLS = (INPUT[0] / 4) * (INPUT[1] / 4);
const RATE = 1e-2;
const DRAWS = stepDraws(0, 0, 0);

let task: TopDownTask;
let adam: Optimizer;
beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});
beforeEach(() => {
  const config = {...modelConfig(TINY_HRNET, INPUT), initialization: 'he' as const};
  task = new TopDownTask(buildModel(config, KEYPOINTS, 0), SET, config);
  adam = adamOf(task.model);
});

/** Noise as pictures, and one bright cell for each keypoint. */
function makeBatch([height, width] = INPUT): Batch {
  const random = stream(0, 'test/topDown');
  const cells = (height / 4) * (width / 4);
  const images = Float32Array.from({length: SIZE * height * width * 3}, () => random.normal());
  const targets = new Float32Array(SIZE * cells * KEYPOINTS);
  for (let sample = 0; sample < SIZE; sample++) {
    for (let k = 0; k < KEYPOINTS; k++) targets[(sample * cells + 3 * k) * KEYPOINTS + k] = 1;
  }
  const region = {center: [16, 32], size: [32, 64], rotation: 0} as const;
  const samples = Array.from({length: SIZE}, (_, index) => ({index, region, flipped: false}));
  return {images, targets, targetWeights: new Float32Array(SIZE * KEYPOINTS).fill(1), samples};
}

/** One update of the weights. */
function train(batch: Batch): void {
  const inputs = task.upload(batch);
  const {value, gradients} = task.gradients(inputs, task.model.parameters(), DRAWS);
  adam.step(gradients, RATE);
  tf.dispose([value, gradients, {...inputs}]);
}

describe('gradients', () => {
  it('are those of the parameters that are asked for, in their order', () => {
    const inputs = task.upload(makeBatch());
    const wanted = task.model.parameters().slice(-2).reverse();
    const {value, gradients} = task.gradients(inputs, wanted, DRAWS);
    expect(gradients.map(({shape}) => shape)).toEqual(wanted.map(({shape}) => shape));
    expect(value.dataSync()[0]).toBeGreaterThan(0);
  });

  it('take no keypoint of weight zero into the loss', () => {
    const batch = makeBatch();
    batch.targetWeights.fill(0);
    const {value, gradients} = task.gradients(task.upload(batch), task.model.parameters(), DRAWS);
    expect(value.dataSync()[0]).toBe(0);
    for (const gradient of gradients) expect(gradient.dataSync().every((value) => value === 0)).toBe(true);
  });

  it('leave nothing behind but themselves', () => {
    const batch = makeBatch();
    train(batch);
    const {numTensors, numBytes} = tf.memory();
    train(batch);
    task.predict(batch, {flipTest: true, shiftHeatmap: true});
    expect(tf.memory()).toMatchObject({numTensors, numBytes});
  });
});

describe('decoding', () => {
  it.each([
    ['msra', [29, 12]],
    ['dark', [29.6, 12]],
    ['udp', [(7.4 * 63) / 15, (3 * 31) / 7]],
  ] as const)('finds what was drawn between cells, in pixels of the input (%s)', (codec, [row, column]) => {
    const config = modelConfig(TINY_HRNET, INPUT);
    const own = new TopDownTask(task.model, SET, {...config, head: {...HEATMAP_HEAD, codec}});
    const heatmaps = new Float32Array(CELLS * KEYPOINTS);
    for (let cell = 0; cell < CELLS; cell++) {
      const squared = (Math.floor(cell / 8) - 7.4) ** 2 + ((cell % 8) - 3) ** 2;
      for (let k = 0; k < KEYPOINTS; k++) heatmaps[cell * KEYPOINTS + k] = Math.exp(-squared / 8);
    }
    const {coordinates} = own.decode([heatmaps], 1);
    expect(Math.abs(coordinates[2 * KEYPOINTS - 2] - column)).toBeLessThan(0.2);
    expect(Math.abs(coordinates[2 * KEYPOINTS - 1] - row)).toBeLessThan(0.2);
  });
});

describe('prediction', () => {
  it('gives heatmaps of the size it says, the same each time, whatever was trained before', () => {
    const batch = makeBatch();
    train(batch);
    const options = {flipTest: false, shiftHeatmap: false};
    const heatmaps = task.predict(batch, options);
    expect(task.codec.targets[0].shape).toEqual([16, 8, KEYPOINTS]);
    expect(heatmaps.map(({length}) => length)).toEqual([SIZE * CELLS * KEYPOINTS]);
    expect(task.predict(batch, options)).toEqual(heatmaps);
  });

  it.each([true, false])(
    'with the flip test is the same for a mirrored image, mirrored (shift %s)',
    (shiftHeatmap) => {
      const batch = makeBatch();
      for (let i = 0; i < 3; i++) train(batch);
      const mirrored = {...batch, images: mirror(batch.images, INPUT[1], 3)};
      const plain = {flipTest: false, shiftHeatmap};
      const [own] = task.predict(batch, plain);
      const [other] = task.predict(mirrored, plain);
      const [both] = task.predict(batch, {flipTest: true, shiftHeatmap});
      const at = (heatmaps: Float32Array, sample: number, row: number, column: number, k: number) =>
        heatmaps[((sample * 16 + row) * 8 + column) * KEYPOINTS + k];
      const swapped = Array.from({length: KEYPOINTS}, (_, k) => k);
      for (const [left, right] of SET.flipPairs) [swapped[left], swapped[right]] = [right, left];
      for (const [sample, row, column, k] of [
        [0, 3, 0, 0],
        [0, 5, 4, 1],
        [1, 15, 7, 16],
        [1, 0, 1, 9],
      ]) {
        const from = 7 - (shiftHeatmap ? Math.max(0, column - 1) : column);
        const expected = (at(own, sample, row, column, k) + at(other, sample, row, from, swapped[k])) / 2;
        expect(at(both, sample, row, column, k)).toBeCloseTo(expected, 6);
      }
    },
  );

  it.each([
    ['dark', false],
    ['udp', true],
  ] as const)('with %s shifts as published unless told otherwise (nothing to shift: %s)', (codec, isSame) => {
    const batch = makeBatch();
    for (let i = 0; i < 3; i++) train(batch);
    const config = modelConfig(TINY_HRNET, INPUT);
    const own = new TopDownTask(task.model, SET, {...config, head: {...HEATMAP_HEAD, codec}});
    const [published, shifted, plain] = [null, true, false].map(
      (shiftHeatmap) => own.predict(batch, {flipTest: true, shiftHeatmap})[0],
    );
    expect(published).toEqual(shifted);
    expect(Buffer.compare(Buffer.from(plain.buffer), Buffer.from(shifted.buffer)) === 0).toBe(isSame);
  });
});

/** Reverses the rows of pixels [rows, width, channels]. */
function mirror(pixels: Float32Array, width: number, channels: number): Float32Array {
  return pixels.map((_, i) => {
    const channel = i % channels;
    const column = Math.floor(i / channels) % width;
    const rowStart = i - channel - column * channels;
    return pixels[rowStart + (width - 1 - column) * channels + channel];
  });
}
