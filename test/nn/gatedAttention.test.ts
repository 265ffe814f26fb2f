/** @file ScaleNorm and the gated attention unit against their formulas in plain loops. */
import * as tf from '@tensorflow/tfjs';
import {beforeEach, describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {selectBackend} from '../../src/engine/index.js';
import {GatedAttention, ScaleNorm} from '../../src/nn/gatedAttention.js';
import {getStateDict} from '../../src/nn/stateDict.js';
import {stream} from '../../src/random.js';

const BATCH = 2;
const TOKENS = 3;
const CHANNELS = 4;
const QUERY = 5;
const INNER = 8;

function drawn(name: string, shape: number[]): tf.Tensor {
  const random = stream(0, `test/${name}`);
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({length: size}, () => random.normal()),
    shape,
  );
}

function unit(): GatedAttention {
  const attention = new GatedAttention(CHANNELS, {queryChannels: QUERY, expansion: 2});
  for (const [name, variable] of attention.namedParameters()) {
    const values = drawn(name, variable.shape);
    // γ and β above 0, as they begin: scores are then mostly above it, too.
    variable.assign(name === 'gamma' || name === 'beta' ? tf.abs(values) : values);
  }
  return attention;
}

/** The published layout: [outputs, inputs]. */
function apply(weight: number[][], x: number[]): number[] {
  return weight.map((row) => row.reduce((sum, w, i) => sum + w * x[i], 0));
}

function published(attention: GatedAttention, name: string): number[][] {
  const {shape, data} = getStateDict(attention).get(name)!;
  const values = [...(data as Float32Array)];
  const columns = shape.at(-1)!;
  return Array.from({length: values.length / columns}, (_, row) =>
    values.slice(row * columns, (row + 1) * columns),
  );
}

/** One image's tokens through the unit, number by number, from the published weights. */
function plain(attention: GatedAttention, tokens: number[][]): number[][] {
  const [[g], scale, gamma, beta] = ['ln.g', 'res_scale.scale', 'gamma', 'beta'].map((name) => {
    const rows = published(attention, name);
    return rows.length === 1 ? rows[0] : rows;
  }) as [number[], number[], number[][], number[][]];
  const parts = tokens.map((token) => {
    const size = Math.hypot(...token) / Math.sqrt(CHANNELS);
    const normed = token.map((value) => (g * value) / Math.max(size, 1e-5));
    const mixed = apply(published(attention, 'uv.weight'), normed).map((z) => z / (1 + Math.exp(-z)));
    const base = mixed.slice(2 * INNER);
    const [q, k] = [0, 1].map((row) => base.map((value, i) => value * gamma[row][i] + beta[row][i]));
    return {u: mixed.slice(0, INNER), v: mixed.slice(INNER, 2 * INNER), q, k};
  });
  return parts.map(({u, q}, n) => {
    const kernel = parts.map(({k}) => {
      const product = q.reduce((sum, value, i) => sum + value * k[i], 0);
      return Math.max(0, product / Math.sqrt(QUERY)) ** 2;
    });
    const gated = u.map((gate, i) => gate * parts.reduce((sum, {v}, m) => sum + kernel[m] * v[i], 0));
    const out = apply(published(attention, 'o.weight'), gated);
    return out.map((value, c) => value + scale[c] * tokens[n][c]);
  });
}

describe.each(['torch', 'cpu'] as const)('on the %s backend', (backend) => {
  beforeEach(async () => {
    await selectBackend({backend});
  });

  it('ScaleNorm divides by the root of the mean square', () => {
    const y = new ScaleNorm().forward(tf.tensor3d([3, 4], [1, 1, 2])).dataSync();
    expect(y[0]).toBeCloseTo(0.848528, 5);
    expect(y[1]).toBeCloseTo(1.131371, 5);
  });

  it('ScaleNorm of nothing is nothing, and so is its gradient', () => {
    const x = tf.variable(tf.zeros<tf.Rank.R3>([1, 1, 3]));
    const {value, gradients} = valueAndGradients(() => tf.sum(new ScaleNorm().forward(x)), [x]);
    expect([...value.dataSync()]).toEqual([0]);
    expect(gradients[0].dataSync().every(Number.isFinite)).toBe(true);
  });

  it('the unit gives what its formula gives', () => {
    const attention = unit();
    const x = drawn('tokens', [BATCH, TOKENS, CHANNELS]) as tf.Tensor3D;
    const expected = (x.arraySync() as number[][][]).map((tokens) => plain(attention, tokens)).flat(2);
    const actual = attention.forward(x).dataSync();
    const largest = Math.max(...expected.map(Math.abs));
    expected.forEach((value, i) => {
      expect(Math.abs(actual[i] - value) / largest).toBeLessThan(1e-5);
    });
  });
});

it('has the derivative that differences have', async () => {
  await selectBackend({backend: 'torch'});
  const attention = unit();
  const x = drawn('tokens', [BATCH, TOKENS, CHANNELS]) as tf.Tensor3D;
  const factor = drawn('factor', [BATCH, TOKENS, CHANNELS]);
  const loss = () => tf.sum<tf.Scalar>(tf.mul(attention.forward(x), factor));
  const parameters = attention.namedParameters();
  const {gradients} = valueAndGradients(loss, [...parameters.values()]);
  [...parameters].forEach(([name, variable], i) => {
    const slope = Math.hypot(...gradients[i].dataSync());
    const direction = tf.div(gradients[i], slope);
    const start = tf.clone(variable);
    const at = (distance: number) => {
      variable.assign(tf.add(start, tf.mul(direction, distance)));
      return loss().dataSync()[0];
    };
    const difference = (at(1e-3) - at(-1e-3)) / 2e-3;
    variable.assign(start);
    expect(slope, name).toBeGreaterThan(0);
    expect(Math.abs(difference / slope - 1), name).toBeLessThan(0.02);
  });
});

it('counts the products of its two sums over tokens', () => {
  const attention = new GatedAttention(256, {queryChannels: 128, expansion: 2});
  // 17 tokens: 17² scores over 128 channels, 17² weights over 512.
  expect(attention.macs([1, 17, 256])).toBe(289 * (128 + 512));
});
