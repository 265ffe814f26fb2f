/** @file Batches brought to the device ahead of their use: the same ones, each once, and nothing left over. */
import {setTimeout} from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import type {Batch, LoadedBatch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {Run} from '../../src/train/trainer.js';
import {UploadAhead} from '../../src/train/uploadAhead.js';
import {OUTCOME} from './steps.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});

const NOTHING = {replaced: [], work: {total: 0, reading: 0, decoding: 0, drawing: 0}};

/** A source that uses one piece of memory for all its batches, the worst that it may do. */
function source(batchesPerEpoch: number, delay = 0) {
  const images = new Float32Array(40);
  const state = {asked: 0, ended: 0};
  return {
    state,
    batchesPerEpoch,
    async *batches(epoch: number, start: number): AsyncGenerator<LoadedBatch> {
      try {
        for (let at = start; at < batchesPerEpoch; at++) {
          state.asked++;
          if (delay > 0) await setTimeout(delay);
          images.fill(100 * epoch + at);
          yield {images, samples: [], ...NOTHING} as unknown as LoadedBatch;
        }
      } finally {
        state.ended++;
      }
    },
  };
}

function upload({images}: Batch) {
  return {
    images: tf.tensor4d(images, [1, 1, 1, 40]),
    targets: [tf.zeros<tf.Rank.R4>([1, 1, 1, 1])],
    weights: tf.zeros<tf.Rank.R2>([1, 1]),
  };
}

/** Trains two epochs; the values of the batches in the order of the steps. */
async function train(inner: ReturnType<typeof source>, stopAt = -1, leftOut = -1): Promise<number[]> {
  const ahead = new UploadAhead(inner, upload);
  const seen: number[] = [];
  const run = new Run({
    epochs: 2,
    source: ahead,
    update: async (batch, step) => {
      if (step === leftOut) return OUTCOME;
      const inputs = ahead.take(batch);
      await ahead.bringNext();
      seen.push(inputs.images.dataSync()[0]);
      tf.dispose({...inputs});
      return OUTCOME;
    },
    hooks: [
      {
        afterStep: (run) => {
          run.stopRequested = run.progress.step === stopAt;
        },
      },
    ],
  });
  await run.train();
  return seen;
}

describe('a run whose batches are brought ahead', () => {
  it.each([0, 5])('sees each of them once, in order, with a source that takes %i ms', async (delay) => {
    const inner = source(3, delay);
    const {numTensors} = tf.memory();
    expect(await train(inner)).toEqual([0, 1, 2, 100, 101, 102]);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(inner.state).toEqual({asked: 6, ended: 2});
  });

  it('frees what it brought for nothing, and lets the source go, when it is stopped', async () => {
    const inner = source(3);
    const {numTensors} = tf.memory();
    expect(await train(inner, 2)).toEqual([0, 1]);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(inner.state.ended).toBe(1);
  });

  it('frees what it brought for a step that is left out', async () => {
    const {numTensors} = tf.memory();
    expect(await train(source(3), -1, 1)).toEqual([0, 2, 100, 101, 102]);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('asks for the next batch before it waits for the device', async () => {
    const inner = source(2);
    const ahead = new UploadAhead(inner, upload);
    const batches = ahead.batches(0, 0);
    const {value} = await batches.next();
    tf.dispose({...ahead.take(value as LoadedBatch)});
    expect(inner.state.asked).toBe(1);
    await ahead.bringNext();
    expect(inner.state.asked).toBe(2);
    await batches.return(undefined);
  });

  it('meets an error of the source where its batch is due', async () => {
    const failing = {
      batchesPerEpoch: 2,
      async *batches(): AsyncGenerator<LoadedBatch> {
        yield {images: new Float32Array(40), samples: [], ...NOTHING} as unknown as LoadedBatch;
        throw new Error('no');
      },
    };
    const inner = {...source(2), ...failing};
    const {numTensors} = tf.memory();
    await expect(train(inner)).rejects.toThrow('no');
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});
