/** @file A thousand training steps hold as much memory as ten. */
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import {beforeAll, expect, it} from 'vitest';
import {loadKeypointSet} from '../../src/data/keypoints.js';
import type {LoadedBatch} from '../../src/data/types.js';
import {selectBackend} from '../../src/engine/index.js';
import {giveMemoryBack} from '../../src/engine/ops/giveMemoryBack.js';
import {sumRelu} from '../../src/engine/ops/sumRelu.js';
import {native} from '../../src/engine/torch/native.js';
import {Backbone} from '../../src/models/backbone.js';
import {BasicBlock, conv1x1, conv3x3} from '../../src/models/backbones/residual.js';
import {HeatmapHead} from '../../src/models/heads/heatmap.js';
import {PoseModel} from '../../src/models/poseModel.js';
import {heDeviation, initializeLayers} from '../../src/nn/init.js';
import {BatchNorm2d, ReLU} from '../../src/nn/layers.js';
import {Sequential} from '../../src/nn/sequential.js';
import {stream} from '../../src/random.js';
import {TopDownTask} from '../../src/tasks/topDown.js';
import {EmaHook} from '../../src/train/hooks/ema.js';
import {Learner} from '../../src/train/learner.js';
import {Run} from '../../src/train/trainer.js';
import {updateOf} from '../../src/train/update.js';
import {trainConfig} from '../train/steps.js';

const STEPS = 1000;
const BATCH = 2;
const SIZE = 32;
const SET = loadKeypointSet('coco17');
const KEYPOINTS = SET.names.length;
const MIB = 2 ** 20;

/**
 * By which resident memory and V8's heap may grow from step 200 to step 1,000. Both are taken after a collection of garbage,
 * and with the allocator's free pages given back; what is left to move is compiled code, 5 MiB at most where it was
 * measured. One batch of pictures kept at every step (24 KiB) would add 19 MiB; smaller tensors that are kept show in the
 * counts.
 */
const MARGIN = 12 * MIB;

/** Two branches that exchange features as HRNet's do: every kind of layer, a few times each. */
class SmallBackbone extends Backbone {
  override readonly channels = 4;
  override readonly stride = 4;
  readonly stem = new Sequential(
    ...[conv3x3(3, 4, 2), new BatchNorm2d(4), new ReLU()],
    ...[conv3x3(4, 4, 2), new BatchNorm2d(4), new ReLU()],
  );
  readonly high = new BasicBlock(4);
  readonly low = new Sequential(conv3x3(4, 4, 2), new BatchNorm2d(4), new ReLU(), new BasicBlock(4));
  readonly up = new Sequential(conv1x1(4, 4), new BatchNorm2d(4));

  override forward(images: tf.Tensor4D): tf.Tensor4D {
    const x = this.stem.forward(images);
    return sumRelu([this.high.forward(x), this.up.forward(this.low.forward(x))]);
  }
}

interface Usage {
  readonly native: {tensors: number; bytes: number};
  readonly tensors: number;
  /** Without V8's heap, whose empty pages come and go. */
  readonly resident: number;
  /** What is in use of that one. */
  readonly heap: number;
}

/** Node collects garbage on request only when it is told so at its start, or by this. */
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function usage(): Usage {
  collectGarbage();
  giveMemoryBack();
  const {rss, heapTotal, heapUsed} = process.memoryUsage();
  return {
    native: native().memory(),
    tensors: tf.memory().numTensors,
    resident: rss - heapTotal,
    heap: heapUsed,
  };
}

function makeBatch(): LoadedBatch {
  const random = stream(0, 'test/leaks');
  const region = {center: [16, 16], size: [SIZE, SIZE], rotation: 0} as const;
  const cells = (SIZE / 4) ** 2;
  return {
    images: Float32Array.from({length: BATCH * SIZE * SIZE * 3}, () => random.normal()),
    targets: new Float32Array(BATCH * cells * KEYPOINTS).fill(0.1),
    targetWeights: new Float32Array(BATCH * KEYPOINTS).fill(1),
    samples: Array.from({length: BATCH}, (_, index) => ({index, region, flipped: false})),
    replaced: [],
    work: {total: 0, reading: 0, decoding: 0, drawing: 0},
  };
}

/** Trains with clipping, weight decay and averages, and takes note of the memory in use after some of the steps. */
async function usageAfter(steps: readonly number[]): Promise<Usage[]> {
  const backbone = new SmallBackbone();
  const model = new PoseModel(backbone, new HeatmapHead(backbone.channels, KEYPOINTS, 1));
  initializeLayers(model, 0, heDeviation);
  const head = {type: 'heatmap', sigma: 1.5, codec: 'msra', finalConvKernel: 1, ohkm: null} as const;
  const task = new TopDownTask(model, SET, {input: [SIZE, SIZE], head});
  const config = trainConfig({
    clipGradNorm: 1e-4,
    ema: {decay: 0.99},
    optimizer: {type: 'adamw', weightDecay: 0.1},
  });
  const learner = new Learner(task, config, 0);
  const finite = {leavesOut: () => false, note: () => {}};
  const batch = makeBatch();
  const found: Usage[] = [];
  const run = new Run({
    epochs: 1,
    source: {
      batchesPerEpoch: STEPS,
      async *batches() {
        for (let i = 0; i < STEPS; i++) yield batch;
      },
    },
    update: updateOf({updater: learner.updater, config, stepsPerEpoch: STEPS, finite}),
    hooks: [
      new EmaHook(learner.average!),
      {afterStep: ({progress}) => void (steps.includes(progress.step) && found.push(usage()))},
    ],
  });
  await run.train();
  return found;
}

beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});

it('a thousand training steps hold as many tensors and bytes as ten, and no more resident memory', async () => {
  const [at10, at200, at1000] = await usageAfter([10, 200, STEPS]);
  expect(at10.native.tensors).toBeGreaterThan(50);
  expect(at1000.native).toEqual(at10.native);
  expect(at1000.tensors).toBe(at10.tensors);
  expect(at1000.resident - at200.resident).toBeLessThan(MARGIN);
  expect(at1000.heap - at200.heap).toBeLessThan(MARGIN);
});
