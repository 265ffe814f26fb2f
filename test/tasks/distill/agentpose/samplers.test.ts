/** @file Ways back in time: single steps worked out by hand, and a mixture of Gaussians, whose score is known, recovered. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../../../src/engine/index.js';
import {stream} from '../../../../src/random.js';
import {reverse, SAMPLERS, type SamplerName} from '../../../../src/tasks/distill/agentpose/samplers.js';
import {marginal} from '../../../../src/tasks/distill/agentpose/sde.js';
import {tensorDraws} from '../../../../src/tasks/distill/draws.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const numberOf = (tensor: tf.Tensor): number => tensor.dataSync()[0];

describe('a step from t = 0.4 to 0.32 with x = 1 and 0.5 as the noise in it', () => {
  const t = 0.4;
  const [mean, deviation] = [0.442197, 0.896918];
  /** ᾱ after / ᾱ before, from m(t) = −4.975t² − 0.05t. */
  const ratio = Math.exp(2 * (-4.975 * (t ** 2 - 0.32 ** 2) - 0.05 * 0.08));
  const score = -0.5 / deviation;
  const [nextMean, nextDeviation] = [mean / Math.sqrt(ratio), Math.sqrt(1 - mean ** 2 / ratio)];

  it.each<[SamplerName, number, number | null]>([
    ['eulerMaruyama', 0.962947, 0.802994],
    ['ode', 1.142673, null],
    ['reverseDiffusion', 2 - Math.sqrt(ratio) + (1 - ratio) * score, Math.sqrt(1 - ratio)],
    ['ancestral', (1 + (1 - ratio) * score) / Math.sqrt(ratio), Math.sqrt(1 - ratio)],
    ['ddim', nextMean * ((1 - deviation * 0.5) / mean) + nextDeviation * 0.5, null],
  ])('%s gives %d, and new noise of deviation %s', (name, expected, expectedFresh) => {
    const {keep, remove, fresh} = SAMPLERS[name](tf.scalar(t), tf.scalar(0.32));
    expect(numberOf(keep) + 0.5 * numberOf(remove)).toBeCloseTo(expected, 5);
    expect(fresh === null).toBe(expectedFresh === null);
    if (fresh && expectedFresh !== null) expect(numberOf(fresh)).toBeCloseTo(expectedFresh, 5);
  });
});

/** Two Gaussians: shares, means, deviations. */
const MIXTURE = [
  [0.3, -1.5, 0.3],
  [0.7, 1, 0.5],
] as const;
const MEAN = MIXTURE.reduce((sum, [share, mean]) => sum + share * mean, 0);
const VARIANCE =
  MIXTURE.reduce((sum, [share, mean, deviation]) => sum + share * (mean ** 2 + deviation ** 2), 0) -
  MEAN ** 2;

/** −deviation·score of the mixture at t: what a perfect denoiser predicts. */
function exactNoise(x: tf.Tensor4D, t: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => {
    const [mean, deviation] = [marginal(t).mean, marginal(t).deviation].map(numberOf);
    const parts = MIXTURE.map(([share, centre, width]) => {
      const variance = (mean * width) ** 2 + deviation ** 2;
      const distance = tf.sub(x, mean * centre);
      const density = tf.mul(
        tf.exp(tf.mul(tf.square(distance), -0.5 / variance)),
        share / Math.sqrt(variance),
      );
      return {density, pull: tf.mul(density, tf.div(distance, variance))};
    });
    const total = tf.addN(parts.map(({density}) => density));
    const noise = tf.mul(tf.div(tf.addN(parts.map(({pull}) => pull)), total), deviation);
    return noise as tf.Tensor4D;
  });
}

describe.each(Object.keys(SAMPLERS) as SamplerName[])('from pure noise in 400 steps, %s', (sampler) => {
  const [paths, steps] = [20_000, 400];

  it('goes through the marginals of a mixture of Gaussians and recovers it', () => {
    tf.tidy(() => {
      const draws = tensorDraws(stream(2, `test/reverse/${sampler}`));
      const x = draws.normal([paths, 1, 1, 1]);
      const states = reverse(x, {sampler, steps, start: tf.scalar(1)}, exactNoise, draws);
      const last = states[steps - 1].latent;
      const {mean, variance} = tf.moments(last);
      // Standard errors 0.009 of the mean, 0.012 of the variance; a step's own error is of the order of 1/400.
      expect(Math.abs(numberOf(mean) - MEAN)).toBeLessThan(0.04);
      expect(Math.abs(numberOf(variance) / VARIANCE - 1)).toBeLessThan(0.04);
      const left = numberOf(tf.mean(tf.cast(tf.less(last, -0.5), 'float32')));
      expect(Math.abs(left - 0.3)).toBeLessThan(0.02);
      expect(numberOf(states[steps - 1].mean)).toBeCloseTo(1, 6);
      // After three quarters of the steps: t = 0.25.
      const {latent, mean: factor} = states[(steps * 3) / 4 - 1];
      const expected = Math.exp(-4.975 * 0.25 ** 2 - 0.05 * 0.25);
      expect(numberOf(factor)).toBeCloseTo(expected, 5);
      const between = tf.moments(latent);
      expect(Math.abs(numberOf(between.mean) - expected * MEAN)).toBeLessThan(0.04);
      const expectedVariance = expected ** 2 * VARIANCE + 1 - expected ** 2;
      expect(Math.abs(numberOf(between.variance) / expectedVariance - 1)).toBeLessThan(0.04);
    });
  });
});
