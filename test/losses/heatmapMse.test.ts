/** @file The heatmap loss against a plain double loop over keypoints, as the formula is written. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {hardHeatmapMse, heatmapMse} from '../../src/losses/heatmapMse.js';
import {stream} from '../../src/random.js';

const [BATCH, HEIGHT, WIDTH, KEYPOINTS] = [2, 3, 4, 5];
const random = stream(0, 'test/heatmapMse');
const draw = (count: number) => Float32Array.from({length: count}, () => random.normal());
const size = BATCH * HEIGHT * WIDTH * KEYPOINTS;
const [predictions, targets] = [draw(size), draw(size)];
const weights = Float32Array.from({length: BATCH * KEYPOINTS}, (_, i) => [0, 1, 0.5][i % 3]);

function plainLoss(): number {
  let loss = 0;
  for (let keypoint = 0; keypoint < KEYPOINTS; keypoint++) {
    let sum = 0;
    for (let i = keypoint; i < size; i += KEYPOINTS) {
      const weight = weights[Math.floor(i / (HEIGHT * WIDTH * KEYPOINTS)) * KEYPOINTS + keypoint];
      sum += (weight * predictions[i] - weight * targets[i]) ** 2;
    }
    loss += (0.5 * sum) / (BATCH * HEIGHT * WIDTH);
  }
  return loss / KEYPOINTS;
}

/** Of the keypoints of each person that are worst, as the formula is written. */
function plainHardLoss(count: number): number {
  let loss = 0;
  for (let b = 0; b < BATCH; b++) {
    const losses = Array.from({length: KEYPOINTS}, (_, keypoint) => {
      let sum = 0;
      for (let cell = 0; cell < HEIGHT * WIDTH; cell++) {
        const i = (b * HEIGHT * WIDTH + cell) * KEYPOINTS + keypoint;
        sum += (weights[b * KEYPOINTS + keypoint] * (predictions[i] - targets[i])) ** 2;
      }
      return (0.5 * sum) / (HEIGHT * WIDTH);
    });
    const worst = losses.sort((x, y) => y - x).slice(0, count);
    loss += worst.reduce((x, y) => x + y, 0) / count;
  }
  return loss / BATCH;
}

const tensors = () => {
  const shape: [number, number, number, number] = [BATCH, HEIGHT, WIDTH, KEYPOINTS];
  return [
    tf.tensor4d(predictions, shape),
    tf.tensor4d(targets, shape),
    tf.tensor2d(weights, [BATCH, KEYPOINTS]),
  ] as const;
};

describe.each<BackendName>(['torch', 'cpu'])('hardHeatmapMse on %s', (backend) => {
  it.each([1, 2, 4, KEYPOINTS])('is that of the %d worst keypoints of each person', async (count) => {
    await selectBackend({backend});
    expect(hardHeatmapMse(...tensors(), count).dataSync()[0]).toBeCloseTo(plainHardLoss(count), 6);
  });

  it('of all keypoints, or of more than there are, is heatmapMse', async () => {
    await selectBackend({backend});
    const all = heatmapMse(...tensors()).dataSync()[0];
    expect(hardHeatmapMse(...tensors(), KEYPOINTS).dataSync()[0]).toBeCloseTo(all, 6);
    expect(hardHeatmapMse(...tensors(), 8).dataSync()[0]).toBeCloseTo(all, 6);
  });

  it('gives the other keypoints no gradient', async () => {
    await selectBackend({backend});
    const maps = tf.tensor4d([1, 3, 2, 1, 3, 2], [1, 1, 2, 3]);
    const gradient = tf.grad((x) =>
      hardHeatmapMse(x as tf.Tensor4D, tf.zerosLike(maps), tf.tensor2d([[1, 1, 0]]), 1),
    )(maps);
    // d/dx of ½·x²/2 at 3, for the second keypoint; the third has no weight.
    expect([...gradient.dataSync()]).toEqual([0, 1.5, 0, 0, 1.5, 0]);
  });
});

describe.each<BackendName>(['torch', 'cpu'])('heatmapMse on %s', (backend) => {
  it('is the weighted mean square error of each keypoint, averaged', async () => {
    await selectBackend({backend});
    const loss = heatmapMse(...tensors());
    expect(loss.shape).toEqual([]);
    expect(loss.dataSync()[0]).toBeCloseTo(plainLoss(), 6);
  });

  it('gives keypoints of weight zero no gradient', async () => {
    await selectBackend({backend});
    const ones = tf.ones<tf.Rank.R4>([1, 2, 2, 2]);
    const gradient = tf.grad((x) => heatmapMse(x as tf.Tensor4D, tf.zerosLike(ones), tf.tensor2d([[1, 0]])))(
      ones,
    );
    // d/dx of ½·x²/8 at 1.
    expect([...gradient.dataSync()]).toEqual([0.125, 0, 0.125, 0, 0.125, 0, 0.125, 0]);
  });
});
