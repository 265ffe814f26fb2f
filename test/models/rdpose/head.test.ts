/** @file RDPose's head: what it supervises, its two ways of inference, what it costs, what it draws. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import type {RdposeConfig} from '../../../src/config/modelSchema.js';
import {OFF_TARGET_NUMBERS} from '../../../src/data/offTarget.js';
import {selectBackend} from '../../../src/engine/index.js';
import type {Head, TrainingStep} from '../../../src/models/head.js';
import {HeatmapHead} from '../../../src/models/heads/heatmap.js';
import {RdposeHead} from '../../../src/models/rdpose/head.js';
import {summarize, summaryTotals} from '../../../src/models/summary.js';
import {heDeviation, initializeLayers} from '../../../src/nn/init.js';
import {Layer} from '../../../src/nn/module.js';
import {stepDraws, stream} from '../../../src/random.js';
import {NO_PERTURBATION, rdposeHead} from '../configs.js';

const [BATCH, HEIGHT, WIDTH, CHANNELS, KEYPOINTS] = [2, 10, 8, 4, 3];

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

function headOf(changes: Partial<RdposeConfig> = {}): RdposeHead {
  const head = new RdposeHead(CHANNELS, KEYPOINTS, rdposeHead(changes));
  initializeLayers(head, 1, heDeviation);
  // Predictions begin near 0, where everything is alike.
  const weight = head.namedParameters().get('final_layer.weight')!;
  tf.tidy(() => weight.assign(tf.mul(weight, 500)));
  return head;
}

function features(): tf.Tensor4D {
  const random = stream(0, 'test/rdpose');
  const values = Float32Array.from({length: BATCH * HEIGHT * WIDTH * CHANNELS}, () => random.normal());
  return tf.tensor4d(values, [BATCH, HEIGHT, WIDTH, CHANNELS]);
}

const PERTURBED = {perturbation: {...NO_PERTURBATION, weight: 0.7}};
const stepAt = (step: number): TrainingStep => ({
  draws: stepDraws(0, step, 0),
  offTargets: Float32Array.from([3, 4, 1, 1, 1, 4, 5, 6, 8, 1].slice(0, BATCH * OFF_TARGET_NUMBERS)),
});
const weightsOf = (head: RdposeHead, step: TrainingStep | null) =>
  head.supervised(features(), step).map(({weight}) => weight);

describe('what is supervised', () => {
  it('is the first guess, the centre found there, and the plain features, as 1 : 1.5 : 1', () => {
    expect(weightsOf(headOf(), stepAt(0))).toEqual([1, 1.5, 1]);
    expect(weightsOf(headOf({decoupling: 'released'}), null)).toEqual([1, 1.5, 1]);
    expect(weightsOf(headOf({decoupling: 'none', inference: 'plain'}), null)).toEqual([1]);
    const shapes = headOf()
      .supervised(features(), null)
      .map(({outputs}) => outputs[0].shape);
    expect(shapes).toEqual(Array(3).fill([BATCH, HEIGHT, WIDTH, KEYPOINTS + 1]));
  });

  it('is alike in all passes at the start, but in the published code', () => {
    const spread = (decoupling: RdposeConfig['decoupling']) => {
      const head = headOf({decoupling});
      head.adjustStart();
      const maps = head.supervised(tf.abs(features()), null).map(({outputs}) => outputs[0].dataSync());
      return Math.max(...maps.map((map) => Math.max(...map.map((value, i) => Math.abs(value - maps[0][i])))));
    };
    expect(spread('corrected')).toBeLessThan(1e-6);
    expect(spread('released')).toBeGreaterThan(0.1);
  });

  it('with perturbation is a pass more, and in a step alone', () => {
    expect(weightsOf(headOf(PERTURBED), stepAt(0))).toEqual([1, 1.5, 0.7, 1]);
    expect(weightsOf(headOf(PERTURBED), null)).toEqual([1, 1.5, 1]);
    expect(weightsOf(headOf({...PERTURBED, decoupling: 'none', inference: 'plain'}), stepAt(0))).toEqual([
      0.7, 1,
    ]);
    expect(() => headOf(PERTURBED).supervised(features(), {...stepAt(0), offTargets: null})).toThrow(
      'off-target places',
    );
  });

  it('draws the same in the same step, and something else in the next', () => {
    const head = headOf(PERTURBED);
    const perturbed = (step: number) => [
      ...head.supervised(features(), stepAt(step))[2].outputs[0].dataSync<'float32'>(),
    ];
    expect(perturbed(4)).toEqual(perturbed(4));
    expect(perturbed(5)).not.toEqual(perturbed(4));
  });

  it('with consistency compares the perturbed heatmaps with those at the centre that was found, as constants', () => {
    const head = headOf({perturbation: {...NO_PERTURBATION, weight: 1, consistency: 0.1}});
    const outputs = head.supervised(features(), stepAt(0));
    expect(outputs.map(({weight}) => weight)).toEqual([1, 1.5, 1, 0.1, 1]);
    expect(outputs[3].outputs).toBe(outputs[2].outputs);
    expect(outputs[3].targets![0].dataSync()).toEqual(outputs[1].outputs[0].dataSync());
    // Nothing but the constant depends on the parameters here.
    const ofConstants = () =>
      tf.grad((x: tf.Tensor) => tf.sum(head.supervised(x as tf.Tensor4D, stepAt(0))[3].targets![0]))(
        features(),
      );
    expect(ofConstants).toThrow(/gradient/);
  });
});

describe('inference', () => {
  it('plain gives the plain maps, without that of the centre', () => {
    const head = headOf({inference: 'plain'});
    const [plain] = head.supervised(features(), null).at(-1)!.outputs;
    const expected = tf.slice(plain, [0, 0, 0, 0], [-1, -1, -1, KEYPOINTS]);
    expect(head.forward(features())[0].dataSync()).toEqual(expected.dataSync());
  });

  it('decoupled looks at the peak of the plain map of the centre', async () => {
    const x = features();
    const head = headOf();
    const [plain] = head.supervised(x, null).at(-1)!.outputs;
    const centres = (await tf.unstack(plain, 3)[KEYPOINTS].array()) as number[][][];
    const peaks = centres.map((map) => {
      const values = map.flat();
      return values.indexOf(Math.max(...values));
    });
    expect(peaks[0]).not.toBe(peaks[1]);
    const expected = slowDecoupled(head, (await x.array()) as number[][][][], peaks);
    const found = (await head.forward(x)[0].array()) as number[][][][];
    found.forEach((map, b) => {
      map.forEach((row, i) => {
        row.forEach((cell, j) => {
          cell.forEach((value, k) => {
            expect(value).toBeCloseTo(expected[b][i][j][k], 4);
          });
        });
      });
    });
  });

  it('of the two ways differs, and both are the same at every call', () => {
    const [decoupled, plain] = (['decoupled', 'plain'] as const).map((inference) => headOf({inference}));
    const maps = decoupled.forward(features())[0].dataSync();
    expect(decoupled.forward(features())[0].dataSync()).toEqual(maps);
    expect(plain.forward(features())[0].dataSync()).not.toEqual(maps);
  });
});

describe('the costs', () => {
  // 2 (C² + C) + 3·25 + 1 + 2C² + C of the decoupling, C + 1 of one more map.
  it.each([
    [32, 4_301],
    [48, 9_485],
    [256, 263_245],
  ])('with %i channels are %i more parameters', (channels, extra) => {
    const count = (head: Head) => head.parameters().reduce((sum, {size}) => sum + size, 0);
    const plain = new HeatmapHead(channels, 17, 1);
    expect(count(new RdposeHead(channels, 17, rdposeHead())) - count(plain)).toBe(extra);
    const none = new RdposeHead(channels, 17, rdposeHead({decoupling: 'none', inference: 'plain'}));
    expect(count(none) - count(plain)).toBe(channels + 1);
  });

  it('are those of its layers, as often as they are passed, and with plain inference of one more map', () => {
    const macs = (head: Head) => summaryTotals(summarize(new OnFeatures(head, 32), [64, 48])).macs;
    const cells = 64 * 48;
    const final = cells * 32 * 18;
    const decoupling = 2 * 32 * 32 + cells * 75 + cells * 64 * 32;
    expect(macs(new RdposeHead(32, 17, rdposeHead()))).toBe(2 * final + decoupling);
    expect(macs(new RdposeHead(32, 17, rdposeHead({inference: 'plain'})))).toBe(final);
  });
});

/** A network whose features are the image, repeated. */
class OnFeatures extends Layer<tf.Tensor4D, tf.Tensor[]> {
  constructor(
    readonly head: Head,
    private readonly channels: number,
  ) {
    super();
  }

  override forward(x: tf.Tensor4D): tf.Tensor[] {
    return this.head.forward(tf.tile(tf.slice(x, [0, 0, 0, 0], [-1, -1, -1, 1]), [1, 1, 1, this.channels]));
  }
}

/** FDM by loops over numbers (papers' notation: e, F_c, q, s, r, M, F_s), and the keypoints' maps of it. */
function slowDecoupled(
  head: RdposeHead,
  maps: readonly number[][][][],
  anchors: readonly number[],
): number[][][][] {
  const named = head.namedParameters();
  const values = (name: string) => named.get(name)!.dataSync();
  const linear = (name: string, e: readonly number[]) =>
    e.map((_, out) =>
      e.reduce(
        (sum, v, i) => sum + v * values(`${name}.weight`)[out * CHANNELS + i],
        values(`${name}.bias`)[out],
      ),
    );
  const pointwise = (name: string, x: readonly number[], outputs: number) =>
    Array.from({length: outputs}, (_, out) =>
      x.reduce(
        (sum, v, i) =>
          sum + v * values(`${name}.weight`)[i * (named.get(`${name}.weight`)!.shape[3] as number) + out],
        values(`${name}.bias`)[out],
      ),
    );
  return maps.map((map, b) => {
    const [row, column] = [Math.floor(anchors[b] / WIDTH), anchors[b] % WIDTH];
    const e = map[row][column];
    const [gains, query] = [linear('c_attn.atn', e), linear('s_attn.atn', e)];
    const evidence = (y: number, x: number): number[] => {
      if (y < 0 || x < 0 || y >= HEIGHT || x >= WIDTH) return [0, 0, 0];
      const likeness = map[y][x].reduce((sum, v, c) => sum + v * query[c], 0);
      return [likeness, (column - x) / 32, (row - y) / 32];
    };
    const weight = values('s_attn.conv.weight');
    const mask = (y: number, x: number): number => {
      let sum = values('s_attn.conv.bias')[0];
      for (let i = 0; i < 5; i++)
        for (let j = 0; j < 5; j++)
          evidence(y + i - 2, x + j - 2).forEach((v, c) => {
            sum += v * weight[(i * 5 + j) * 3 + c];
          });
      return 1 / (1 + Math.exp(-sum));
    };
    return map.map((cells, y) =>
      cells.map((cell, x) => {
        const m = mask(y, x);
        const both = [...cell.map((v, c) => v * gains[c]), ...cell.map((v) => v * m)];
        const fused = pointwise('fuse_attn', both, CHANNELS).map((v) => Math.max(0, v));
        return pointwise('final_layer', fused, KEYPOINTS + 1).slice(0, KEYPOINTS);
      }),
    );
  });
}
